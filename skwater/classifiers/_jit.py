"""Compile numeric Python with numba, if it is installed."""

# Sums may be put in another order; infinity and NaN stay what they are, so that they are found.
_OPTIONS = {
    "nogil": True,
    "error_model": "numpy",
    "fastmath": {"contract", "reassoc", "nsz", "arcp"},
}


def compiles():
    """Whether functions become machine code here."""
    try:
        from numba import config
    except ImportError:  # also if it does not fit the numpy that is installed
        return False
    return not config.DISABLE_JIT


def compiled(function):
    """Compile a function when it is first called, and keep the machine code on disk."""
    if not compiles():
        return function
    from numba import njit

    try:
        return njit(cache=True, **_OPTIONS)(function)
    except RuntimeError:  # no folder that it may write to
        return njit(**_OPTIONS)(function)
