"""What a fit ends with and a fitted classifier does not keep."""

import copy

from skorch.callbacks import Callback


class KeepTheEnd(Callback):
    """Keep the optimizer and the history of the batches."""

    def on_train_end(self, net, **kwargs):
        self.group = {k: v for k, v in net.optimizer_.param_groups[0].items() if k != "params"}
        self.optimizer = type(net.optimizer_)
        self.state = copy.deepcopy(net.optimizer_.state_dict()["state"])
        self.batches = net.history[:, "batches", :, ("train_loss", "train_batch_size")]


def end_of(model):
    """The callback of a fitted model that was given ``callbacks=[KeepTheEnd()]``."""
    (kept,) = (c for _, c in model.net_.callbacks_ if isinstance(c, KeepTheEnd))
    return kept
