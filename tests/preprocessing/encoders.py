"""Small encoders of images, and a count of what they have encoded."""

import time

import torch
from torch import nn

SEEN = []  # number of images of each call, in any thread


class Counting(nn.Module):
    """Means of a convolution; notes how many images it was given."""

    def __init__(self, n_features=6, n_channels=3):
        super().__init__()
        self.convolution = nn.Conv2d(n_channels, n_features, 3, bias=False)
        with torch.no_grad():
            n = self.convolution.weight.numel()
            weight = torch.arange(n).mul(0.7).sin().view_as(self.convolution.weight)
            self.convolution.weight.copy_(weight)

    def forward(self, x):
        """Vectors (k, n_features)."""
        SEEN.append(len(x))
        return self.convolution(x).relu().mean((2, 3))


class Slow(Counting):
    """The same in 50 ms for each call, which leaves time to kill the process."""

    def forward(self, x):
        """Vectors (k, n_features)."""
        time.sleep(0.05)
        return super().forward(x)


def encoded(function, *args):
    """What a function returns, and how many images were encoded meanwhile."""
    SEEN.clear()
    return function(*args), sum(SEEN)
