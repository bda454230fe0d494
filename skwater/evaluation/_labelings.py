"""Labelings: the orders in which treatments or plants could have got their classes."""

from collections import Counter
from dataclasses import dataclass
from itertools import islice, product
from math import factorial, prod

import numpy as np
from sklearn.utils import check_consistent_length

from ..model_selection._groups import check_groups


@dataclass(frozen=True)
class Labelings:
    """Labels that are exchanged between units (treatments or plants), within strata.

    Parameters
    ----------
    labels : ndarray of shape (n_units,)
        Label of each unit.
    unit : ndarray of shape (n_samples,), dtype int
        Unit of each row.
    blocks : list of ndarray of int
        Units of each stratum.
    """

    labels: np.ndarray
    unit: np.ndarray
    blocks: list

    @property
    def count(self):
        """Number of distinct labelings."""
        return prod(_count_orders(self.labels[block]) for block in self.blocks)

    def smallest_pvalue(self, n_permutations):
        """p if no labeling but the true one, and its mirror image, scores so well."""
        if self.count > n_permutations:
            return 1 / (1 + n_permutations)
        sizes = [list(Counter(self.labels[block].tolist()).values()) for block in self.blocks]
        # With two classes exchanged the task is the same.
        two_classes = len(np.unique(self.labels)) == 2
        mirrored = two_classes and all(len(set(n)) == 1 < len(n) for n in sizes)
        return (1 + mirrored) / self.count

    def generate(self, n_permutations, rng):
        """Yield labels of rows (n_samples,), the true ones first.

        All labelings if there are no more than `n_permutations`, or else so many drawn ones after
        the true one.
        """
        exact = self.count <= n_permutations
        orders = self._all() if exact else islice(self._draw(rng), 1 + n_permutations)
        for labels in orders:
            yield labels[self.unit]

    def _all(self):
        of_each = [list(_distinct_orders(self.labels[block].tolist())) for block in self.blocks]
        for of_blocks in product(*of_each):
            yield self._fill(of_blocks)

    def _draw(self, rng):
        yield self.labels
        while True:
            yield self._fill([rng.permutation(self.labels[block]) for block in self.blocks])

    def _fill(self, of_blocks):
        filled = self.labels.copy()
        for block, order in zip(self.blocks, of_blocks, strict=True):
            filled[block] = order
        return filled


def find_labelings(y, groups, treatments=None, strata=None):
    """Find what labels are exchanged between: treatments or plants, within strata.

    Parameters
    ----------
    y, groups : ndarray of shape (n_samples,)
        Class and plant of each row.
    treatments, strata : array-like of shape (n_samples,) or None
        Treatment and stratum of each row.

    Returns
    -------
    Labelings
        The true one and all others.

    Raises
    ------
    ValueError
        If a treatment (or, without treatments, a plant) has more than one class or stratum.
    """
    kind, names = ("Plant", groups) if treatments is None else ("Treatment", treatments)
    labels, unit = _label_of_each(y, names, kind)
    if strata is None:
        return Labelings(labels, unit, [np.arange(len(labels))])
    strata = check_groups(strata)
    check_consistent_length(y, strata)
    of_unit = strata[np.unique(unit, return_index=True)[1]]
    mixed = np.flatnonzero(strata != of_unit[unit])
    if len(mixed):
        raise ValueError(
            f"{kind} {names[mixed[0]]} is in several strata, {of_unit[unit[mixed[0]]]} and "
            f"{strata[mixed[0]]}, so that its label cannot be exchanged within one."
        )
    blocks = [np.flatnonzero(of_unit == stratum) for stratum in np.unique(of_unit)]
    return Labelings(labels, unit, blocks)


def _label_of_each(y, units, kind):
    """Label of each treatment or plant, and the number of that of each row."""
    names, first, unit = np.unique(units, return_index=True, return_inverse=True)
    labels = y[first]
    mixed = unit[y != labels[unit]]
    if len(mixed) == 0:
        return labels, unit
    i = mixed[0]
    remedy = (
        "If the stress was given plant by plant, and only then, pass treatments=None."
        if kind == "Treatment"
        else "groups must name what has one label."
    )
    raise ValueError(
        f"{kind} {names[i]} has plants of the classes {np.unique(y[unit == i]).tolist()}, so that "
        f"its label cannot be exchanged for that of another. {remedy}"
    )


def _count_orders(labels):
    """Number of distinct orders of labels."""
    return factorial(len(labels)) // prod(map(factorial, Counter(labels.tolist()).values()))


def _distinct_orders(labels):
    """Yield each distinct order of a list of labels once, the given one first."""
    if not labels:
        yield []
    for label in dict.fromkeys(labels):
        rest = labels.copy()
        rest.remove(label)
        for order in _distinct_orders(rest):
            yield [label, *order]
