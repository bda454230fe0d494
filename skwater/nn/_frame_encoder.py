"""Vectors of single images, by an encoder that is not trained."""

import copy
import hashlib
import itertools
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from torch.nn import functional

from ._pretrained import load_encoder
from ._process import choose_device, single_threaded_if_small

# Images that one thread encodes at once on a CPU. More of them no longer fit its cache: with
# EfficientNet-Lite0, 32 at once take three times as long as 8 times 4.
_AT_ONCE = 4


class FrozenEncoder:
    """An encoder and the steps before it: images (k, h, w, c) in, vectors (k, d) out.

    Parameters
    ----------
    encoder : torch.nn.Module, subclass of it, or str
        As in :func:`load_encoder`.
    weights : str, path-like or None
        As in :func:`load_encoder`.
    image_size : tuple of int (height, width) or None
        Size that images are resized to; None takes that of the encoder, or leaves them.
    white : float
        Value of white, which becomes 1.
    channels : tuple of int or None
        Channels that the encoder gets.
    batch_size : int
        Images that are in memory at once; on a GPU twice as many.
    device : str
        "auto" takes a CUDA device if there is one.
    """

    def __init__(self, encoder, weights, image_size, white, channels, batch_size, device):
        self._module, self._format = load_encoder(encoder, weights)
        self._size = image_size or self._format.size
        self._white = white
        self._channels = channels
        self._batch_size = batch_size
        self._device = torch.device(choose_device(device, self._size))
        self.brightest = 0.0  # of the images so far, white being 1

    @property
    def module(self):
        """The encoder alone."""
        return self._module

    @property
    def size(self):
        """Size (height, width) of the images that it sees; None if it takes any."""
        return self._size

    def digest(self):
        """Digest of the weights, and of what is done to images before."""
        how = (self._format, self._size, self._white, self._channels)
        digest = hashlib.sha256(repr((how, self._module)).encode())
        for name, tensor in self._module.state_dict().items():
            digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
            digest.update(tensor.contiguous().view(-1).view(torch.uint8).numpy())
        return digest.hexdigest()

    def encode(self, read, n_images):
        """Yield vectors (k, d) of all images in their order, a few at a time.

        Parameters
        ----------
        read : callable
            Takes a slice of the images and returns these as an array (k, h, w, c). It is called
            in several threads.
        n_images : int
            How many there are.

        Yields
        ------
        ndarray of shape (k, d), dtype float32
            Vectors.
        """
        self._module.to(self._device, memory_format=torch.channels_last)
        on_cpu = self._device.type == "cpu"
        n_threads = min(torch.get_num_threads(), self._batch_size) if on_cpu else 2
        step = max(1, min(_AT_ONCE, self._batch_size // n_threads)) if on_cpu else self._batch_size
        parts = [slice(i, min(i + step, n_images)) for i in range(0, n_images, step)]
        # Threads that encode whole images wait for each other less than those of one convolution.
        with single_threaded_if_small(0), ThreadPoolExecutor(n_threads) as pool:
            twins = [_twin(self._module) for _ in range(n_threads)]

            def work(part):
                module = twins.pop()  # as many as threads, so there is always one
                try:
                    return self._encode_some(module, read(part))
                finally:
                    twins.append(module)

            try:
                yield from pool.map(work, parts)
            finally:  # after an error, or Ctrl-C, nothing more is read
                pool.shutdown(cancel_futures=True)

    @torch.inference_mode()
    def _encode_some(self, module, images):
        x = torch.from_numpy(np.ascontiguousarray(self._in_unit_range(images)))
        x = x.permute(0, 3, 1, 2).to(self._device)  # channels stay last in memory
        if self._size is not None and x.shape[2:] != self._size:
            x = _resize(x, self._size, self._format)
        if self._format.mean is not None:
            x = x - x.new_tensor(self._format.mean)[:, None, None]
            x = x / x.new_tensor(self._format.std)[:, None, None]
        vectors = module(x)
        shape = tuple(getattr(vectors, "shape", ()))
        if len(shape) != 2 or shape[0] != len(images):
            raise ValueError(
                f"The encoder must return a tensor of shape (n_images, n_features), got "
                f"{shape or type(vectors).__name__} for images of shape {tuple(x.shape)}. Let it "
                f"average over the pixels, and return one vector for each image."
            )
        return vectors.float().cpu().numpy()

    def _in_unit_range(self, images):
        if self._channels is not None:
            images = images[..., self._channels]
        images = images.astype(np.float32)
        low, high = images.min(initial=0), images.max(initial=0)
        if low < 0 or high > self._white * 1.00001:
            raise ValueError(
                f"The images have values from {low:g} to {high:g}, but 0 is black and "
                f"white={self._white:g} is white. Give the value of white pixels as white=, or "
                f"clip the images before."
            )
        self.brightest = max(self.brightest, float(high) / self._white)
        images /= self._white
        return images


def _resize(x, size, image_format):
    """Resize images (k, c, h, w) as Pillow does, which most encoders were trained with."""
    mode = "bilinear" if image_format.interpolation == "bilinear" else "bicubic"
    x = functional.interpolate(x, size, mode=mode, align_corners=False, antialias=True)
    return x.clamp(0, 1).contiguous(memory_format=torch.channels_last)


def _twin(module):
    """Copy of a module with the same weights in memory: threads do not share anything else."""
    tensors = itertools.chain(module.parameters(), module.buffers())
    return copy.deepcopy(module, {id(tensor): tensor for tensor in tensors})
