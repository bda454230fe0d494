"""What we add to skorch's callbacks."""

import math

from skorch.callbacks import Callback
from tqdm.auto import tqdm


class StopOnNaN(Callback):
    """Stop with an error when a loss is not finite, or the weights are not at the end."""

    def on_batch_end(self, net, training=True, **kwargs):
        """Look at the loss of the batch."""
        loss = net.history[-1, "batches", -1, "train_loss" if training else "valid_loss"]
        if not math.isfinite(loss):
            _fail(f"The loss became {loss}", net)

    def on_train_end(self, net, **kwargs):
        """Look at what the last step made of the weights."""
        if not all(p.isfinite().all() for p in net.module_.parameters()):
            _fail("The weights became NaN or infinite", net)


def _fail(what, net):
    raise ValueError(
        f"{what} in epoch {len(net.history)} with lr={net.lr}. Try a smaller lr; the weights of "
        f"this fit are of no use."
    )


class ProgressBar(Callback):
    """One progress bar over all epochs, with the last losses beside it."""

    def on_train_begin(self, net, **kwargs):
        """Open the bar."""
        self._bar = tqdm(total=net.max_epochs, desc=type(net.module_).__name__, unit="epoch")

    def on_epoch_end(self, net, **kwargs):
        """Move it on."""
        last = net.history[-1]
        losses = {name: last[name] for name in ("train_loss", "valid_loss") if name in last}
        self._bar.set_postfix(losses, refresh=False)
        self._bar.update()

    def on_train_end(self, net, **kwargs):
        """Close it."""
        self._bar.close()
        del self._bar  # an open terminal does not pickle
