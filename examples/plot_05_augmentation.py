"""
What do augmentation and splicing do to one plant?
==================================================

Both make more training sequences from few plants, and both must preserve the growth of a plant.
Augmentation transforms all frames of a sequence in the same way. Splicing builds a sequence from
the frames of several plants of one class, each frame at its own date.
"""

# %%
# One water-stressed plant, and its class
# ---------------------------------------
import os

import matplotlib.pyplot as plt
import numpy as np

from skwater import RSSResampler
from skwater.augmentation import augment_sequences
from skwater.datasets import make_water_stress

size = 32 if "SKWATER_EXAMPLES_FAST" in os.environ else 96
plants = make_water_stress(12, 8, size, random_state=3)
X, y = plants.data, plants.target
plant = np.flatnonzero(y == 1)[0]

# %%
# Augment it twice, and splice it
# -------------------------------
# :func:`~skwater.augmentation.augment_sequences` is for inspection. In training,
# ``augment="default"`` does the same, with a new draw for every sequence in every epoch.
augmented = augment_sequences(X[[plant, plant]], "default", random_state=2)

sampler = RSSResampler({1: (y == 1).sum() + 6, 0: (y == 0).sum()}, random_state=0)
X_new, y_new = sampler.fit_resample(X, y)
new = np.arange(len(X), len(X_new))
holds_plant = (sampler.donors_[new] == plant).any(axis=1)
splices = new[holds_plant][:2]
print(f"plant {plant} is in {holds_plant.sum()} of {len(new)} new sequences of its class")
for splice in splices:
    print(f"sequence {splice} has the frames of plants {sampler.donors_[splice]}")

# %%
# Side by side
# ------------
# The color of the border shows the donor of each frame.
rows = [("original", X[plant], np.full(X.shape[1], plant))]
rows += [(f"augmented {i}", x, rows[0][2]) for i, x in enumerate(augmented, 1)]
rows += [
    (f"spliced {i}", X_new[splice], sampler.donors_[splice]) for i, splice in enumerate(splices, 1)
]
shown = np.unique([donors for _, _, donors in rows])
colors = dict(zip(shown, ["#0072b2", "#e69f00", "#cc79a7", "#56b4e9", "#d55e00"], strict=False))

fig, axes = plt.subplots(
    len(rows), X.shape[1], figsize=(9, 6.2), layout="constrained", squeeze=False
)
for (name, frames, donors), row in zip(rows, axes, strict=True):
    row[0].set_ylabel(name, fontsize=9)
    for frame, donor, ax in zip(frames, donors, row, strict=True):
        ax.imshow(frame)
        ax.set(xticks=[], yticks=[])
        ax.spines[:].set(color=colors[donor], linewidth=3)
for day, ax in zip(plants.days, axes[0], strict=True):
    ax.set_title(f"day {day:g}", fontsize=9)
fig.suptitle(f"not watered from day {plants.onset_day} to day {plants.onset_day + 25}", fontsize=10)
handles = [plt.Line2D([], [], color=color, lw=3) for color in colors.values()]
fig.legend(
    handles,
    [f"plant {donor}" for donor in colors],
    loc="outside lower center",
    ncols=len(colors),
    frameon=False,
)
plt.show()

# %%
# A spliced sequence may change leaf shape and size at a junction, an augmented one never does.
# Look at both for your own plants: what makes a plant that cannot exist will mislead a network.
#
# **Read next:** :doc:`plot_04_splicing` measures when splicing helps, and
# :doc:`plot_06_pretrained_encoder` is another remedy for few plants.
