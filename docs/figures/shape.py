"""X as a table: a row for each plant, a column for each date."""

import matplotlib.pyplot as plt

from skwater.datasets import make_water_stress
from skwater.plotting import FramesDisplay

plants = make_water_stress(3, 6, 48, stressed_fraction=0.4, random_state=4)
X = plants.data.astype("float32")
X[1, 3] = float("nan")
figure, ax = plt.subplots(figsize=(7, 3.2))
FramesDisplay.from_sequences(X, plants=["X[0]", "X[1]", "X[2]"], days=plants.days, ax=ax)
ax.set_title("X[1, 3] is missing: an all-NaN frame")
