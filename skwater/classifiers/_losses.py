"""Losses on encoded classes."""

import torch.nn.functional as F  # noqa: N812 - torch's own name for it
from torch import nn


class BinaryLoss(nn.BCEWithLogitsLoss):
    """Binary cross-entropy of one logit; `pos_weight` is the weight of class 1 over class 0."""

    def forward(self, logits, y):
        """Mean loss of logits (n, 1) and classes (n,)."""
        y = y.to(logits.dtype)
        return F.binary_cross_entropy_with_logits(logits[:, 0], y, pos_weight=self.pos_weight)


class CrossEntropyLoss(nn.CrossEntropyLoss):
    """Mean of the weighted losses; torch's own divides by the weights of each batch again."""

    def forward(self, logits, y):
        """Mean loss of logits (n, n_classes) and classes (n,)."""
        return F.cross_entropy(logits, y, weight=self.weight, reduction="sum") / len(y)
