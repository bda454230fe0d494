"""
Can I use a network of my own?
==============================

Any torch module becomes a scikit-learn classifier of sequences: with lazy images, missing frames,
augmentation, early stopping and class weights. Here it is one with temporal attention: a small CNN
describes each frame by a vector, and the network learns how much weight each date gets.
"""

# %%
# The network
# -----------
# It is built with ``n_channels``, ``n_outputs`` and ``frame_size``, and takes standardized
# sequences (n, t, c, h, w), in which a missing frame is all-NaN.
import os

import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.model_selection import cross_val_score, train_test_split
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
plants = make_water_stress(random_state=0, **size)
X, y = plants.data, plants.target
model = SequenceClassifier(
    TemporalAttentionNet,
    network_params={"size": 16},
    max_epochs=2 if fast else "auto",
    random_state=0,
)
scores = cross_val_score(model, X, y, cv=3, scoring="balanced_accuracy")
print(f"Balanced accuracy in 3 folds: {scores.mean():.2f}")

# %%
# The probability over time
# -------------------------
# The probability of stress after each date, of ten plants that were not trained on. The network was
# trained on whole seasons, so that its answers early in the season mean little.
train, test = train_test_split(np.arange(len(y)), test_size=1 / 3, stratify=y, random_state=0)
probability = model.fit(X[train], y[train]).predict_proba_over_time(X[test])[:, :, 1]

fig, ax = plt.subplots(figsize=(7, 3.8), layout="constrained")
for label, color, line, name in ((0, "#0072b2", "-", "watered"), (1, "#d55e00", "--", "stressed")):
    lines = ax.plot(plants.days, probability[y[test] == label].T, line, color=color, linewidth=1.2)
    lines[0].set_label(f"{name} ({len(lines)} plants)")
for day, name in ((plants.onset_day, "last irrigation"), (plants.onset_day + 25, "re-watering")):
    ax.axvline(day, color="0.4", linewidth=1.2)
    ax.text(day, 1.05, name, color="0.4", ha="center")
ax.set(xlabel="Time (days)", ylabel="Probability of stress", ylim=(-0.02, 1.02))
ax.spines[["top", "right"]].set_visible(False)
ax.legend(frameon=False)
plt.show()

# %%
# The plants are simulated, so the score shows that the network learns, and nothing about real
# plants.
#
# A network that also has ``step(frame, state)``, as recurrent ones can, is followed by
# :class:`~skwater.monitoring.StressMonitor` one image at a time. A saved one is loaded with
# ``skwater.load(path, networks=[TemporalAttentionNet])``.
#
# **Read next:** :doc:`plot_07_honest_score` compares it with baselines, and
# :doc:`plot_10_importance` shows what it looks at.
