"""Functions in the language of LLVM, made into machine code for this processor by llvmlite."""

import ctypes
import os
from concurrent.futures import ThreadPoolExecutor
from functools import cache

_engines = []  # the machine code lives as long as they do


@cache
def vector_size():
    """Floats in a vector of this processor, and vectors of sums that fit its registers.

    None where nothing is compiled: on other processors than those that this was tried on, and
    with an llvmlite that does not read our text.
    """
    from llvmlite import binding

    features = binding.get_host_cpu_features()
    if binding.llvm_version_info[0] < 17 or not features.get("fma"):
        return None
    return (16, 24) if features.get("avx512f") else (8, 12)


@cache
def _machine():
    from llvmlite import binding

    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    return binding.Target.from_default_triple().create_target_machine(
        cpu=binding.get_host_cpu_name(),
        features=binding.get_host_cpu_features().flatten(),
        opt=3,
        jit=True,
    )


def compile_function(name, text, n_pointers, n_integers):
    """Return a function of addresses and integers; it runs without Python's lock."""
    from llvmlite import binding

    module = binding.parse_assembly(
        f'{text}\nattributes #0 = {{ nounwind "prefer-vector-width"="512" '
        '"min-legal-vector-width"="512" }'
    )
    module.verify()
    engine = binding.create_mcjit_compiler(module, _machine())
    engine.finalize_object()
    _engines.append(engine)
    arguments = [ctypes.c_void_p] * n_pointers + [ctypes.c_int64] * n_integers
    return ctypes.CFUNCTYPE(None, *arguments)(engine.get_function_address(name))


def share_out(function, n, n_threads):
    """Call ``function(thread, start, stop)`` for equal shares of n, each in a thread of its own."""
    edges = [n * i // n_threads for i in range(n_threads + 1)]
    if n_threads == 1:
        function(0, *edges)
    else:
        pool = _threads(os.getpid(), n_threads)
        list(pool.map(function, range(n_threads), edges[:-1], edges[1:]))


@cache
def _threads(process, n_threads):
    # Told apart by process: a fork does not inherit the threads of its parent.
    return ThreadPoolExecutor(n_threads)
