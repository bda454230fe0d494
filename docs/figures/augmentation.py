"""Three draws of the default augmentation."""

import matplotlib.pyplot as plt
import numpy as np

from skwater.augmentation import augment_sequences
from skwater.datasets import make_water_stress
from skwater.plotting import FramesDisplay

plants = make_water_stress(
    1, size=48, stressed_fraction=0, n_frames=5, days=[18, 25, 32, 39, 46], random_state=2
)
X = np.repeat(plants.data, 3, axis=0)
shown = np.concatenate([plants.data, augment_sequences(X, "default", random_state=0)])
figure, ax = plt.subplots(figsize=(6, 5))
FramesDisplay.from_sequences(
    shown, plants=["original", "draw 1", "draw 2", "draw 3"], days=plants.days, ax=ax
)
