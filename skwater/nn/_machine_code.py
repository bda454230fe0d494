"""Functions in the language of LLVM, made into machine code for this processor by llvmlite.

They run in the threads that torch's own operations use: threads of another pool would wait for
these, which keep their cores busy for some milliseconds after each operation.
"""

import ctypes
import struct
from functools import cache
from pathlib import Path

import torch

_SMALLEST_SHARE = 2**11  # pixels, below which threads would only wait for each other
_engines = []  # the machine code lives as long as they do


@cache
def vector_size():
    """Floats in a vector of this processor, and vectors of sums that fit its registers.

    None where nothing is compiled: on other processors and with other libraries of threads than
    those that this was tried on, and with an llvmlite that does not load or read our text.
    """
    try:
        from llvmlite import binding
    except (ImportError, OSError):
        return None
    features = binding.get_host_cpu_features()
    if binding.llvm_version_info[0] < 17 or not features.get("fma") or _threads() is None:
        return None
    return (16, 24) if features.get("avx512f") else (8, 12)


@cache
def _threads():
    """Torch's library of threads, found through torch; None where it has another interface."""
    for path in Path(torch.__file__).with_name("lib").glob("libtorch_cpu.*"):
        library = ctypes.CDLL(str(path))
        if hasattr(library, "GOMP_parallel"):
            return library
    return None


class Lines:
    """Lines of a function, with a name for each result."""

    def __init__(self):
        self._lines = []

    def let(self, operation):
        """Add an operation; return the name of its result."""
        name = f"%v{len(self._lines)}"
        self._lines.append(f"  {name} = {operation}")
        return name

    def add(self, line):
        """Add a line that has no result."""
        self._lines.append(f"  {line}")

    def __str__(self):
        return "\n".join(self._lines)


def constant(value):
    """A single-precision number as LLVM writes it."""
    (bits,) = struct.unpack("<Q", struct.pack("<d", torch.tensor(value).item()))
    return f"0x{bits:016X}"


def compile_loop(name, arguments, body, declarations):
    """Compile a function that runs `body` for each item of each sample, in several threads.

    Parameters
    ----------
    name : str
        Name of the function.
    arguments : sequence of str
        Names of its arguments, addresses and integers, as they are called in `body`.
    body : str
        What is done with item ``%item`` of sample ``%sample``, both i64. Branches to
        ``%item.end``.
    declarations : str
        Of the functions that it calls.

    Returns
    -------
    callable
        ``function(n_samples, n_items, n_pixels, *arguments)``; the items of every sample are
        shared out between the threads. `n_pixels` says how much work there is.
    """
    from llvmlite import binding

    names = ["n_samples", "n_items", *arguments]
    loads = "\n".join(
        f"  %{argument}.at = getelementptr i64, ptr %arguments, i64 {i}\n"
        f"  %{argument} = load i64, ptr %{argument}.at"
        for i, argument in enumerate(names)
    )
    text = f"""
{declarations}
declare i32 @thread_number()
declare i32 @number_of_threads()
define void @{name}(ptr %arguments) #0 {{
start:
{loads}
  %thread.32 = call i32 @thread_number()
  %thread = zext i32 %thread.32 to i64
  %following = add i64 %thread, 1
  %n_threads.32 = call i32 @number_of_threads()
  %n_threads = zext i32 %n_threads.32 to i64
  %first.product = mul i64 %n_items, %thread
  %first = udiv i64 %first.product, %n_threads
  %stop.product = mul i64 %n_items, %following
  %stop = udiv i64 %stop.product, %n_threads
  br label %samples
samples:
  %sample = phi i64 [0, %start], [%sample.next, %sample.end]
  %sample.more = icmp slt i64 %sample, %n_samples
  br i1 %sample.more, label %items, label %end
items:
  %item = phi i64 [%first, %samples], [%item.next, %item.end]
  %item.more = icmp slt i64 %item, %stop
  br i1 %item.more, label %item.start, label %sample.end
item.start:
{body}
item.end:
  %item.next = add i64 %item, 1
  br label %items
sample.end:
  %sample.next = add i64 %sample, 1
  br label %samples
end:
  ret void
}}
attributes #0 = {{ nounwind "prefer-vector-width"="512" "min-legal-vector-width"="512" }}
"""
    for symbol, origin in _SYMBOLS.items():
        address = ctypes.cast(getattr(_threads(), origin), ctypes.c_void_p).value
        binding.add_symbol(symbol, address)
    module = binding.parse_assembly(text)
    module.verify()
    engine = binding.create_mcjit_compiler(module, _machine())
    engine.finalize_object()
    _engines.append(engine)
    address = ctypes.c_void_p(engine.get_function_address(name))
    block = ctypes.c_int64 * len(names)

    def run(n_samples, n_items, n_pixels, *values):
        n_threads = torch.get_num_threads() if n_pixels >= _SMALLEST_SHARE else 1
        _threads().GOMP_parallel(address, block(n_samples, n_items, *values), n_threads, 0)

    return run


_SYMBOLS = {
    "thread_number": "omp_get_thread_num",
    "number_of_threads": "omp_get_num_threads",
}


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
