"""What a report of a problem needs: versions, processors, and which fast paths are active."""

import os
import platform
import re
from importlib.metadata import PackageNotFoundError, requires, version

_EXTRAS = ("plot", "report", "baselines", "datasets", "onnx")  # those of users


def show_versions() -> None:
    """Print versions, processors, and which fast paths are active or why they are not.

    This is what a report of a problem should hold. PyTorch is imported, which takes a moment.
    "installed" means that a package is there, whether or not it can be imported. The fast paths
    are those of this process; another one can differ in its number of threads and processors.

    Examples
    --------
    >>> from skwater import show_versions
    >>> show_versions()
    skwater ...
    fast paths
      images ...
    """
    sections = {
        "system": _system(),
        "packages": _packages(),
        "fast paths": _fast_paths(),
        "threads": _threads(),
    }
    print(f"skwater {version('skwater')}")
    for title, lines in sections.items():
        print(f"\n{title}")
        for name, value in lines.items():
            print(f"  {name:18}{value}")


def _system():
    import torch
    from joblib import cpu_count

    return {
        "python": f"{platform.python_version()}, {platform.python_implementation()}",
        "system": platform.platform(),
        "machine": f"{platform.machine()}, {torch.backends.cpu.get_cpu_capability()}",
        "processors": f"{os.cpu_count()}, of which {cpu_count()} can be used",
    }


def _packages():
    """Versions of what skwater depends on, then of its extras."""
    found = {}
    for line in sorted(requires("skwater"), key=lambda line: "extra ==" in line):
        name, extra = re.match(r"[\w-]+", line)[0], re.search(r"extra == '(\w+)'", line)
        if name in found or (extra and extra[1] not in _EXTRAS):
            continue
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = f"not installed (extra {extra[1]!r})" if extra else "not installed"
    return found


def _fast_paths():
    import torch

    from .nn._precision import has_bfloat16

    gpus = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    return {
        "images": _active("compiled kernels", _no_compiled_kernels()),
        "vectors": _active("compiled epochs", _no_compiled_epochs()),
        "bfloat16": "in hardware"
        if has_bfloat16("cpu")
        else "not in hardware: slower than float32",
        "GPU": ", ".join(gpus) or "none that PyTorch can use",
    }


def _active(name, why_not):
    return f"PyTorch only: {why_not}" if why_not else name


def _no_compiled_kernels():
    """Why images are trained on without machine code; None if they are not."""
    from .nn import _machine_code

    if _machine_code.vector_size() is not None:
        return None
    try:
        from llvmlite import binding
    except (ImportError, OSError) as error:
        return f"llvmlite cannot be imported ({error})"
    if binding.llvm_version_info[0] < 17:
        return "llvmlite is too old"
    if _machine_code._threads() is None:
        return "the threads of PyTorch are not those of OpenMP"
    return "the processor has no fused multiply-add"


def _no_compiled_epochs():
    """Why vectors are trained on without machine code; None if they are not."""
    from .classifiers._jit import compiles

    if compiles():
        return None
    try:
        import numba  # noqa: F401
    except ImportError as error:
        return f"numba cannot be imported ({error})"
    return "NUMBA_DISABLE_JIT is set"


def _threads():
    """Number of threads of torch, and of each loaded library that has threads."""
    import torch
    from threadpoolctl import threadpool_info

    threads = {"torch": str(torch.get_num_threads())}
    for pool in threadpool_info():
        name = pool["internal_api"]
        threads[name] = ", ".join([*filter(None, [threads.get(name)]), str(pool["num_threads"])])
    return threads
