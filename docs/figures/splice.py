"""Donors of a plain and of an onset-aware splice."""

import matplotlib.pyplot as plt

from skwater import RSSResampler
from skwater.datasets import make_water_stress
from skwater.plotting import SpliceDisplay
from skwater.preprocessing import CanopyCover

plants = make_water_stress(
    12, n_frames=9, days=[14, 18, 21, 25, 28, 32, 36, 39, 43], size=32, random_state=2
)
cover = CanopyCover().fit_transform(plants.data)
samplers = {
    "plain": RSSResampler(12, random_state=3),
    "onset-aware": RSSResampler(12, onset=plants.onset, random_state=3),
}
figure, axes = plt.subplots(1, 2, figsize=(9, 3.2), sharey=True)
for ax, (name, sampler) in zip(axes, samplers.items(), strict=True):
    sampler.set_params(lazy=True)
    spliced, labels = sampler.fit_resample(cover, plants.target)
    SpliceDisplay.from_spliced(
        spliced,
        (labels == 1).nonzero()[0][-1],
        y=plants.target,
        days=plants.days,
        onset_day=plants.onset_day,
        value_name="Canopy cover",
        ax=ax,
    )
    ax.set_title(name, loc="left")
