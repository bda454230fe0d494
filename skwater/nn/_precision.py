"""Precision of the convolutions in training, and the devices on which bfloat16 is faster."""

import torch

_DTYPES = {"float32": None, "bfloat16": torch.bfloat16}  # None: the dtype of the weights


def as_dtype(precision):
    """Dtype that convolutions read and write; None for that of their weights."""
    if precision not in _DTYPES:
        raise ValueError(f"precision must be one of {sorted(_DTYPES)}, got {precision!r}.")
    return _DTYPES[precision]


def has_bfloat16(device):
    """Whether a device multiplies bfloat16 in hardware; in software it is slower than float32."""
    device = torch.device(device)
    if device.type == "cuda" and torch.cuda.is_available():
        with torch.cuda.device(device):
            return torch.cuda.is_bf16_supported(including_emulation=False)
    return device.type == "cpu" and _cpu_has_bfloat16()


def _cpu_has_bfloat16():
    # PyTorch's own check for oneDNN accepts AVX-512 alone, with which bfloat16 is 3 times slower.
    # The check for the instruction is not public: a version without it counts as one without.
    is_supported = getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
    return torch.backends.mkldnn.is_available() and is_supported()
