"""A classifier of which it is known how often it was fitted, in other processes too."""

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin


class CountingClassifier(ClassifierMixin, BaseEstimator):
    """Nearest class mean, which notes each fit in a file."""

    def __init__(self, log=None, random_state=None):
        self.log = log
        self.random_state = random_state

    def fit(self, X, y):
        if self.log is not None:
            with open(self.log, "a", encoding="utf-8") as file:
                file.write(f"{self.random_state}\n")
        self.classes_ = np.unique(y)
        flat = np.reshape(X, (len(X), -1))
        self.means_ = np.stack([flat[y == label].mean(axis=0) for label in self.classes_])
        return self

    def predict_proba(self, X):
        flat = np.reshape(X, (len(X), -1))
        distances = ((flat[:, None] - self.means_) ** 2).sum(axis=2)
        odds = np.exp(distances.min(axis=1, keepdims=True) - distances)
        return odds / odds.sum(axis=1, keepdims=True)

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]
