"""F1 of each class for the same predictions: 6 of 9 stressed and 20 of 21 watered are found."""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import balanced_accuracy_score, f1_score

y = np.repeat(["dry", "wet"], [9, 21])
predicted = y.copy()
predicted[:3], predicted[-1] = "wet", "dry"
scores = {
    'F1, pos_label="dry"': f1_score(y, predicted, pos_label="dry"),
    'F1, pos_label="wet"': f1_score(y, predicted, pos_label="wet"),
    "balanced accuracy": balanced_accuracy_score(y, predicted),
}
figure, ax = plt.subplots(figsize=(6, 1.8))
bars = ax.barh(
    list(scores), list(scores.values()), color=["#e69f00", "#0072b2", "#999999"], height=0.6
)
ax.bar_label(bars, fmt="%.2f", padding=4)
ax.invert_yaxis()
ax.set(xlim=(0, 1.1), xlabel="Score of the same predictions")
