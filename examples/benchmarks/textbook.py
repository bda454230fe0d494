"""The ConvLSTM as it is mostly written: what the benchmarks compare with."""

from skwater.nn import ConvLSTMNet
from skwater.nn._conv_lstm import textbook_step


class TextbookConvLSTMNet(ConvLSTMNet):
    """The same weights, one frame after the other, with autograd for the rest."""

    def forward(self, x):
        """Logits after the last frame."""
        (layer,) = self.layers
        h = c = x.new_zeros(len(x), layer.n_hidden, *x.shape[3:])
        for frame in x.unbind(1):
            h, c = textbook_step(frame, h, c, *layer.weights())
        return self.head(h)
