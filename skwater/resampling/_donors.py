"""Which plant gives each frame of a new sequence: count the possible choices, draw some."""

from dataclasses import dataclass
from heapq import heapify, heappop, heapreplace
from itertools import combinations, product
from math import comb

import numpy as np

from ..sequences import gather


@dataclass(frozen=True)
class DonorRows:
    """All rows of donors that can make a new sequence of one class.

    A row has one donor for each frame. Frames before `onset` may come from any donor, frames from
    the onset on from the donors of the class itself, which are the first ones. A row has at most
    `n_segments` contiguous pieces. If there is an onset, the donor changes there; otherwise it
    changes at least once. So no row is an original.

    Parameters
    ----------
    missing : ndarray of shape (n_donors, n_frames), dtype bool
        The frames that each donor lacks. A row of only such frames is not possible.
    n_own : int
        The first `n_own` donors are of the class itself.
    n_segments : int
        The largest number of pieces, at most n_frames.
    onset : int, default=0
        Number of frames before the onset, below n_frames; 0 for plain splicing.
    """

    missing: np.ndarray
    n_own: int
    n_segments: int
    onset: int = 0

    def count(self):
        """Return the exact number of different rows that have a frame."""
        return self.count_all() - (self._count_empty() if self.missing.any() else 0)

    def count_all(self):
        """Return the number of different rows, those without a single frame included."""
        return sum(self._patterns().values())

    def draw(self, n_new, rng):
        """Draw `n_new` different rows, uniformly among the :meth:`count` possible ones."""
        if 2 * n_new > self.count():  # too many repetitions to draw blindly: list them all
            rows = self._with_frames(self._all())
            return rows[np.sort(rng.choice(len(rows), n_new, replace=False))]
        rows = np.empty((0, self.missing.shape[1]), dtype=np.intp)
        while len(rows) < n_new:  # ends: at least half of the possible rows are not needed
            drawn = self._random(2 * (n_new - len(rows)), rng)
            rows = np.concatenate([rows, self._with_frames(drawn)])
            first = np.unique(rows, axis=0, return_index=True)[1]
            rows = rows[np.sort(first)][:n_new]
        return rows

    def _patterns(self):
        """Number of rows for each number of further cuts (before, after) the onset."""
        n_any, n_frames = self.missing.shape
        if not self.onset:
            pairs = [(0, after) for after in range(1, self.n_segments)]
        else:
            n = self.n_segments - 1
            pairs = [(before, after) for before in range(n) for after in range(n - before)]
        n_rows = {}
        for before, after in pairs:
            own = comb(n_frames - self.onset - 1, after) * self.n_own * (self.n_own - 1) ** after
            if self.onset:
                own *= comb(self.onset - 1, before) * (n_any - 1) ** (before + 1)
            n_rows[before, after] = own
        return n_rows

    def _with_frames(self, rows):
        return rows[~gather(self.missing, rows).all(axis=1)]

    def _random(self, size, rng):
        n_any, n_frames = self.missing.shape
        n_rows = self._patterns()
        total = sum(n_rows.values())
        chosen = rng.choice(len(n_rows), size=size, p=[n / total for n in n_rows.values()])
        n_before, n_after = np.array(list(n_rows))[chosen].T
        first = rng.randint(self.n_own, size=(size, 1))
        after = _random_cuts(n_frames - self.onset - 1, n_after, rng)
        rows = np.hstack([first, _follow(first, after, self.n_own, rng)])
        if self.onset:  # from the onset backwards in time
            junction = np.ones((size, 1), dtype=bool)
            cuts = np.hstack([junction, _random_cuts(self.onset - 1, n_before, rng)])
            rows = np.hstack([_follow(first, cuts, n_any, rng)[:, ::-1], rows])
        return rows

    def _all(self):
        n_frames, onset = self.missing.shape[1], self.onset
        rows = []
        for n_before, n_after in self._patterns():
            chains = self._chains(n_before + 1 if onset else 0, n_after)
            for before_cuts in combinations(range(1, onset), n_before):
                for after_cuts in combinations(range(onset + 1, n_frames), n_after):
                    junction = [onset] if onset else []
                    starts = [0, *before_cuts, *junction, *after_cuts, n_frames]
                    rows.append(np.repeat(chains, np.diff(starts), axis=1))
        return np.concatenate(rows)

    def _chains(self, n_before, n_after):
        """All orders of n_before donors, one of the class and n_after more of the class."""
        n_any = len(self.missing)
        chains = [
            ((first + np.cumsum(before)) % n_any, (first + np.cumsum((0, *after))) % self.n_own)
            for first in range(self.n_own)
            for before in product(range(1, n_any), repeat=n_before)
            for after in product(range(1, self.n_own), repeat=n_after)
        ]
        chains = [np.concatenate([before[::-1], after]) for before, after in chains]
        return np.array(chains, dtype=np.intp).reshape(-1, n_before + 1 + n_after)

    def _count_empty(self):
        """Return the number of rows in which every frame is missing."""
        after = _count_chains(self.missing[: self.n_own, self.onset :][:, ::-1], self.n_segments)
        if not self.onset:
            return sum(after[1:].sum(axis=1))
        before = _count_chains(self.missing[:, : self.onset], self.n_segments)
        n_empty = 0
        for n_before, n_after in self._patterns():
            own = after[n_after]
            others = before[n_before].sum() - before[n_before][: self.n_own]
            n_empty += (own * others).sum()
        return n_empty


def check_possible(label, n_new, rows, possible):
    """Refuse more new sequences of a class than its strata, the DonorRows `rows`, can have."""
    if n_new <= possible:
        return
    n_own = sum(r.n_own for r in rows)
    if sum(r.count_all() for r in rows) == 0:
        where = "" if len(rows) == 1 else ", each alone in its stratum"
        raise ValueError(
            f"Class {label} has {n_own} sequence{'s' * (n_own > 1)}{where}: a splice needs "
            f"at least 2 donors to draw from, and {n_new} new ones were asked for."
        )
    n_frames = rows[0].missing.shape[1]
    lacking = any(r.missing.any() for r in rows)
    others = sum(len(r.missing) for r in rows) - n_own
    also = f", with {others} of other classes before the onset," if others else ""
    raise ValueError(
        f"{n_new} new sequences were asked for in class {label}, but only {possible} different "
        f"ones {'with a frame that is not missing ' * lacking}are possible from {n_own} sequences "
        f"of {n_frames} frames{also} in {rows[0].n_segments} segments at most. Ask for fewer, or "
        f"raise n_segments."
    )


def share_out(n_new, n_plants, possible):
    """Divide n_new among strata in proportion to their plants, none beyond what is possible."""
    shares = [0] * len(n_plants)
    # The stratum that is furthest behind its share comes first (D'Hondt's rule).
    queue = [(-n, s) for s, n in enumerate(n_plants) if possible[s] > 0]
    heapify(queue)
    for _ in range(n_new):
        s = queue[0][1]
        shares[s] += 1
        if shares[s] < possible[s]:
            heapreplace(queue, (-n_plants[s] / (shares[s] + 1), s))
        else:
            heappop(queue)
    return shares


def _random_cuts(n_positions, n_cuts, rng):
    """Draw which positions are cut, n_cuts of them in each row."""
    ranks = rng.random_sample((len(n_cuts), n_positions)).argsort(axis=1).argsort(axis=1)
    return ranks < n_cuts[:, None]


def _follow(first, cuts, n_donors, rng):
    """Donors after `first`, another one of n_donors at each cut."""
    steps = rng.randint(1, max(2, n_donors), size=cuts.shape) * cuts
    return (first + np.cumsum(steps, axis=1)) % n_donors


def _count_chains(missing, n_segments):
    """Count the all-missing rows, by (number of cuts, donor of the last frame)."""
    n_donors, n_frames = missing.shape
    counts = np.zeros((n_segments, n_donors), dtype=object)  # Python's integers do not overflow
    counts[0] = missing[:, 0].astype(int)
    for t in range(1, n_frames):
        changed = counts.sum(axis=1, keepdims=True) - counts
        counts[1:] = counts[1:] + changed[:-1]
        counts = counts * missing[:, t].astype(int)
    return counts
