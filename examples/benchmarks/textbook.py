"""The ConvLSTM as it is mostly written: what the benchmarks compare with."""

import torch

from skwater.nn import ConvLSTMNet


class TextbookConvLSTMNet(ConvLSTMNet):
    """The same weights, one frame after the other."""

    def forward(self, x):
        """Logits after the last frame."""
        (layer,) = self.cells
        h = c = x.new_zeros(len(x), layer.n_hidden, *x.shape[3:])
        for frame in x.unbind(1):
            i, f, o, g = layer.conv(torch.cat((frame, h), 1)).chunk(4, 1)
            c = f.sigmoid() * c + i.sigmoid() * g.tanh()
            h = o.sigmoid() * c.tanh()
        return self.head(h)
