"""In what the convolutions of training run, and where that pays."""

import torch

_DTYPES = {"float32": None, "bfloat16": torch.bfloat16}  # None is that of the weights


def as_dtype(precision):
    """What convolutions read and write, or None for the dtype of their weights."""
    if precision not in _DTYPES:
        raise ValueError(f"precision must be one of {sorted(_DTYPES)}, got {precision!r}.")
    return _DTYPES[precision]


def has_bfloat16(device):
    """Whether a device multiplies bfloat16 itself; in software it is slower than float32."""
    device = torch.device(device)
    if device.type == "cuda" and torch.cuda.is_available():
        with torch.cuda.device(device):
            return torch.cuda.is_bf16_supported(including_emulation=False)
    return device.type == "cpu" and _cpu_has_bfloat16()


def _cpu_has_bfloat16():
    # PyTorch's own answer for oneDNN is yes for AVX-512 alone, where it is 3 times slower. The
    # question for the instruction is not public: where it is gone, nothing is known.
    ask = getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
    return torch.backends.mkldnn.is_available() and ask()
