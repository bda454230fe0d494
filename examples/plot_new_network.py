"""
A network of your own
=====================

Any torch module becomes a scikit-learn classifier of sequences: with lazy images, missing frames,
augmentation, early stopping and class weights. Here it is one with temporal attention: a small CNN
describes each frame, and the network learns which dates to look at.
"""

# %%
# The network
# -----------
# It is built with ``n_channels``, ``n_outputs`` and ``frame_size``, and takes standardized
# sequences (n, t, c, h, w), in which a missing frame is all-NaN.
import os

import torch
from sklearn.model_selection import cross_val_score
from torch import nn

from skwater import SequenceClassifier
from skwater.datasets import make_water_stress


class TemporalAttentionNet(nn.Module):
    """Codes of frames and of their positions, averaged with weights that depend on both."""

    def __init__(self, n_channels, n_outputs, frame_size, *, size=32):
        super().__init__()
        kernel = 3 if min(frame_size) >= 3 else 1  # vectors are frames of 1 x 1
        self.encoder = nn.Sequential(
            nn.Conv2d(n_channels, size, kernel), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()
        )
        self.mix = nn.Sequential(nn.Linear(2 * size, size), nn.ReLU())
        self.attention, self.head = nn.Linear(size, 1), nn.Linear(size, n_outputs)

    def forward(self, x):
        """Logits (n, n_outputs)."""
        n, t = x.shape[:2]
        missing = x.isnan().flatten(2).all(dim=2)
        codes = self.encoder(x.nan_to_num(0).flatten(0, 1)).view(n, t, -1)
        frequencies = torch.arange(1, codes.shape[2] + 1, device=x.device) / 4
        positions = (torch.arange(t, device=x.device)[:, None] * frequencies).sin().to(x.dtype)
        mixed = self.mix(torch.cat([codes, positions.expand_as(codes)], dim=2))
        # A large finite number: a plant without any frame so far gets equal weights, not NaN.
        weights = self.attention(mixed).masked_fill(missing[..., None], -1e9).softmax(dim=1)
        return self.head((weights * mixed).sum(dim=1))


# %%
# The classifier
# --------------
# `network_params` are the network's own. Everything else is as in the other classifiers.
fast = "SKWATER_EXAMPLES_FAST" in os.environ  # for the tests: everything small
size = {"n_plants": 12, "n_frames": 4, "size": 8} if fast else {"n_plants": 30, "size": 16}
X, y = make_water_stress(random_state=0, return_X_y=True, **size)
model = SequenceClassifier(
    TemporalAttentionNet,
    network_params={"size": 16},
    max_epochs=2 if fast else "auto",
    random_state=0,
)
scores = cross_val_score(model, X, y, cv=3, scoring="balanced_accuracy")
print(f"Balanced accuracy in 3 folds: {scores.mean():.2f}")

# %%
# The probability of stress after each date, for a plant of each class that was not trained on:
plants = [list(y).index(0), list(y).index(1)]
others = [i for i in range(len(y)) if i not in plants]
model.fit(X[others], y[others])
print(model.predict_proba_over_time(X[plants])[:, :, 1].round(2))
