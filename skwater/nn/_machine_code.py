"""Functions written as arithmetic in Python and compiled for this processor by llvmlite.

A kernel is built once, by Python code that handles :class:`Value` objects: each operator adds an
instruction, and the body of a ``for`` loop over :meth:`Kernel.range` becomes the body of a loop of
the machine. Kernels run in the threads of torch's own operations: threads of another pool would
wait for these, which keep their cores busy for some milliseconds after each operation.
"""

import ctypes
import platform
from functools import cache
from pathlib import Path

import torch

_SMALLEST_SHARE = 2**11  # pixels; with fewer, threads would only wait for each other
_TEAM = {  # OpenMP's functions under names of our own: other libraries of threads have them too
    "torch_thread_number": "omp_get_thread_num",
    "torch_number_of_threads": "omp_get_num_threads",
}
_engines = []  # the machine code lives as long as they do


@cache
def _ir():
    """Builder of LLVM's intermediate representation; llvmlite is optional."""
    from llvmlite import ir

    return ir


@cache
def vector_size():
    """Floats in a vector of this processor, and vectors of sums that fit its registers.

    None if nothing is compiled: on other processors and with other thread libraries than those
    that this was tested on, and with an llvmlite that does not load or is too old.
    """
    try:
        from llvmlite import binding
    except (ImportError, OSError):
        return None
    if binding.llvm_version_info[0] < 17 or _threads() is None:
        return None
    if platform.machine().lower() in ("aarch64", "arm64"):
        return 4, 24  # fused multiply-add belongs to the base instructions
    features = _host_features()
    if not features.get("fma"):
        return None
    return (16, 24) if features.get("avx512f") else (8, 12)


@cache
def _threads():
    """Torch's library of threads, found through torch; None if it has another interface."""
    for path in Path(torch.__file__).with_name("lib").glob("libtorch_cpu.*"):
        library = ctypes.CDLL(str(path))
        if hasattr(library, "GOMP_parallel"):
            return library
    return None


class Kernel:
    """A function under construction, which all threads call at once, each for its share of items.

    Its arguments are read in the order in which :meth:`pointer` and :meth:`integer` are called.

    Parameters
    ----------
    name : str
        Name of the function.

    Attributes
    ----------
    first, stop : Value
        The share of the thread: items `first` to `stop` - 1.
    """

    def __init__(self, name):
        self.name, self._n_arguments = name, 0
        signature = _ir().FunctionType(_ir().VoidType(), [_ir().PointerType()])
        self._function = _ir().Function(_ir().Module(name), signature, name)
        self._function.attributes.add("nounwind")
        self._builder = _ir().IRBuilder(self._function.append_basic_block())
        thread, n_threads = map(self._call, _TEAM)
        n_items = self.integer()
        self.first = n_items * thread // n_threads
        self.stop = n_items * (thread + 1) // n_threads

    def integer(self):
        """Read the next argument, a 64-bit integer."""
        arguments = Value(self._builder, self._function.args[0])
        address = arguments.offset(self._n_arguments, _ir().IntType(64))
        self._n_arguments += 1
        return address.load(_ir().IntType(64))

    def pointer(self):
        """Read the next argument, the address of an array of floats."""
        return Value(self._builder, self._builder.inttoptr(self.integer().ir, _ir().PointerType()))

    def zeros(self, n_lanes):
        """Vector of zeros."""
        return Value(self._builder, _ir().Constant(_vector(n_lanes), [0.0] * n_lanes))

    def range(self, start, stop):
        """``for (i = start; i < stop; i++)``, to be used in a Python ``for`` loop.

        The body of the Python loop runs once and writes the body of the machine's loop.

        Parameters
        ----------
        start, stop : Value or int
            Limits of the index.

        Yields
        ------
        Value
            The index.
        """
        builder = self._builder
        start, stop = self._integer(start), self._integer(stop)
        inside, end = (self._function.append_basic_block() for _ in range(2))
        builder.cbranch(builder.icmp_signed("<", start.ir, stop.ir), inside, end)
        builder.position_at_end(inside)
        yield from self.repeat(start, stop, {})
        builder.branch(end)
        builder.position_at_end(end)

    def repeat(self, start, stop, variables):
        """``i = start; do {...} while (++i < stop)``, like :meth:`range` but at least once.

        Parameters
        ----------
        start, stop : Value or int
            Limits of the index.
        variables : dict of Value
            What the body changes, by assigning to the keys of this dict: the values are passed
            on from one iteration to the next, and to the code after the loop.

        Yields
        ------
        Value
            The index.
        """
        builder, before = self._builder, self._builder.block
        body, end = (self._function.append_basic_block() for _ in range(2))
        builder.branch(body)
        builder.position_at_end(body)
        first = {"index": self._integer(start)} | variables
        phis = {key: builder.phi(value.ir.type) for key, value in first.items()}
        variables.update({key: Value(builder, phis[key]) for key in variables})
        index = Value(builder, phis["index"])
        yield index
        following = {"index": index + 1} | variables
        more = builder.icmp_signed("<", following["index"].ir, self._integer(stop).ir)
        for key, phi in phis.items():
            phi.add_incoming(first[key].ir, before)
            phi.add_incoming(following[key].ir, builder.block)
        builder.cbranch(more, body, end)
        builder.position_at_end(end)

    def _integer(self, number):
        is_value = isinstance(number, Value)
        return (
            number if is_value else Value(self._builder, _ir().Constant(_ir().IntType(64), number))
        )

    def _call(self, name):
        """Call an int function without arguments."""
        signature = _ir().FunctionType(_ir().IntType(32), [])
        function = _ir().Function(self._function.module, signature, name)
        return Value(
            self._builder, self._builder.zext(self._builder.call(function, []), _ir().IntType(64))
        )

    def __str__(self):
        """Text for LLVM."""
        if not self._builder.block.is_terminated:
            self._builder.ret_void()
        return str(self._function.module)


class Value:
    """A 64-bit integer, a pointer to floats, a float, or a vector of floats or 32-bit integers.

    Operators take numbers too. A pointer plus an integer is a pointer so many floats further on.
    """

    def __init__(self, builder, value):
        self._builder, self.ir = builder, value

    def __add__(self, other):
        if self.ir.type.is_pointer:
            return self.offset(other, _ir().FloatType())
        return self._apply("add", other)

    def __sub__(self, other):
        return self._apply("sub", other)

    def __mul__(self, other):
        return self._apply("mul", other)

    def __rsub__(self, other):
        return -self + other

    __radd__, __rmul__ = __add__, __mul__

    def __floordiv__(self, other):
        return Value(self._builder, self._builder.udiv(self.ir, self._like(other)))

    def __rtruediv__(self, other):
        return Value(self._builder, self._builder.fdiv(self._like(other), self.ir))

    def __neg__(self):
        negate = self._builder.neg if self._is_integer() else self._builder.fneg
        return Value(self._builder, negate(self.ir))

    def __lshift__(self, n_bits):
        return Value(self._builder, self._builder.shl(self.ir, self._like(n_bits)))

    def at_least(self, limit):
        """The larger one of this value and a limit; NaN if this is."""
        return self._select("<", limit)

    def at_most(self, limit):
        """The smaller one of this value and a limit; NaN if this is."""
        return self._select(">", limit)

    def if_below(self, stop, inside, outside):
        """`inside` if this integer is at least 0 and less than `stop`, else `outside`."""
        is_inside = self._builder.icmp_unsigned("<", self.ir, stop.ir)
        return Value(self._builder, self._builder.select(is_inside, inside.ir, outside.ir))

    def bits(self):
        """The 32-bit integers with the same bits as floats."""
        return self._bitcast(_ir().VectorType(_ir().IntType(32), self.ir.type.count))

    def floats(self):
        """The floats with the same bits as 32-bit integers."""
        return self._bitcast(_vector(self.ir.type.count))

    def offset(self, index, element):
        """Pointer to the element of this type with an index."""
        index = index.ir if isinstance(index, Value) else _ir().Constant(_ir().IntType(64), index)
        return Value(self._builder, self._builder.gep(self.ir, [index], source_etype=element))

    def load(self, kind):
        """What a pointer points to: a value of a type, or a vector of so many floats."""
        kind = _vector(kind) if isinstance(kind, int) else kind
        return Value(self._builder, self._builder.load(self.ir, align=4, typ=kind))

    def load_all(self, n_lanes):
        """Vector whose lanes are all the float that a pointer points to."""
        lane = self._builder.insert_element(
            _ir().Constant(_vector(n_lanes), _ir().Undefined),
            self.load(_ir().FloatType()).ir,
            _ir().Constant(_ir().IntType(32), 0),
        )
        return Value(self._builder, lane).lanes([0] * n_lanes)

    def store(self, value):
        """Write a value to where a pointer points to."""
        self._builder.store(value.ir, self.ir, align=4)

    def lanes(self, indices):
        """Vector of some lanes of this one; that of None is undefined."""
        width, nothing = self.ir.type.count, _ir().Constant(self.ir.type, _ir().Undefined)
        indices = [width if index is None else index for index in indices]  # the first of `nothing`
        mask = _ir().Constant(_ir().VectorType(_ir().IntType(32), len(indices)), indices)
        return Value(self._builder, self._builder.shuffle_vector(self.ir, nothing, mask))

    def multiply_add(self, b, c):
        """See :func:`fma`."""
        vector, module = self.ir.type, self._builder.module
        name = f"llvm.fma.v{vector.count}f32"
        function = module.globals.get(name) or _ir().Function(
            module, _ir().FunctionType(vector, [vector] * 3), name
        )
        values = self.ir, self._like(b), self._like(c)
        return Value(self._builder, self._builder.call(function, values))

    def _apply(self, name, other):
        name = name if self._is_integer() else f"f{name}"
        return Value(self._builder, getattr(self._builder, name)(self.ir, self._like(other)))

    def _select(self, comparison, limit):
        limit = self._like(limit)
        compare = self._builder.icmp_signed if self._is_integer() else self._builder.fcmp_ordered
        beyond = compare(comparison, self.ir, limit)
        return Value(self._builder, self._builder.select(beyond, limit, self.ir))

    def _bitcast(self, kind):
        return Value(self._builder, self._builder.bitcast(self.ir, kind))

    def _is_integer(self):
        return isinstance(getattr(self.ir.type, "element", self.ir.type), _ir().IntType)

    def _like(self, other):
        """A value as it is; a number as a constant of the type of this one, in all lanes."""
        if isinstance(other, Value):
            return other.ir
        kind = self.ir.type
        return _ir().Constant(
            kind, [other] * kind.count if isinstance(kind, _ir().VectorType) else other
        )


def fma(a, b, c):
    """``a * b + c``, rounded once."""
    return a.multiply_add(b, c)


def _vector(n_lanes):
    return _ir().VectorType(_ir().FloatType(), n_lanes)


def compile_kernel(kernel):
    """Compile a kernel.

    Parameters
    ----------
    kernel : Kernel
        The function, complete.

    Returns
    -------
    callable
        ``function(n_items, n_pixels, *arguments)``; the items are shared out between the threads.
        `n_pixels` says how much work there is.
    """
    from llvmlite import binding

    threads = _threads()
    for symbol, origin in _TEAM.items():
        address = ctypes.cast(getattr(threads, origin), ctypes.c_void_p).value
        binding.add_symbol(symbol, address)
    machine = target_machine(
        binding.get_default_triple(), binding.get_host_cpu_name(), _host_features().flatten()
    )
    engine = binding.create_mcjit_compiler(_module(kernel, machine), machine)
    engine.finalize_object()
    _engines.append(engine)
    address = ctypes.c_void_p(engine.get_function_address(kernel.name))

    def run(n_items, n_pixels, *arguments):
        n_threads = torch.get_num_threads() if n_pixels >= _SMALLEST_SHARE else 1
        block = (ctypes.c_int64 * (1 + len(arguments)))(n_items, *arguments)
        threads.GOMP_parallel(address, block, n_threads, 0)

    return run


def to_assembly(kernel, machine):
    """Assembly of a kernel, for any machine.

    Parameters
    ----------
    kernel : Kernel
        The function, complete.
    machine : llvmlite.binding.TargetMachine
        See :func:`target_machine`.

    Returns
    -------
    str
        The assembly.
    """
    return machine.emit_assembly(_module(kernel, machine))


@cache
def target_machine(triple, cpu, features=""):
    """LLVM's description of a processor, for example of ("aarch64-linux-gnu", "neoverse-n1")."""
    from llvmlite import binding

    binding.initialize_all_targets()
    binding.initialize_all_asmprinters()
    target = binding.Target.from_triple(triple)
    return target.create_target_machine(cpu=cpu, features=features, opt=3, jit=True)


def _module(kernel, machine):
    from llvmlite import binding

    module = binding.parse_assembly(str(kernel))
    module.triple, module.data_layout = machine.triple, str(machine.target_data)
    module.verify()
    return module


def _host_features():
    from llvmlite import binding

    try:
        return binding.get_host_cpu_features()
    except RuntimeError:  # unknown on this system
        return binding.targets.FeatureMap()
