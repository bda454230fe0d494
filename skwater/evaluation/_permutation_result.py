"""What a permutation test returns: the score, that of other labelings, and p."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ._result import Result, show_libraries, show_number, show_pvalue

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..plotting import PermutationDisplay


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class PermutationResult(Result):
    """Score of the true labels among those of labels exchanged at random.

    :func:`permutation_test` and :func:`exchangeability_test` make it. A small p means that the
    classifier does better with the true labels than with others; it says nothing of how much
    better. A large p does not prove that there is no difference: with few treatments or plants
    even a large one is not significant, which ``smallest_pvalue`` shows.

    Parameters
    ----------
    score : float
        Score of the true labels.
    null : ndarray of shape (n_scored,), dtype float64
        Scores of the labelings: of all, the true one first, if the test is exact, or of those
        that were drawn.
    pvalue : float
        Share of labelings that score as well as the true one, or better.
    smallest_pvalue : float
        What p would be if none but the true labels scored so well.
    exact : bool
        Whether all labelings were scored.
    n_labelings : int
        Number of distinct labelings.
    scoring : str, default="score"
        What the score is.
    units : {"plants", "treatments"}, default="plants"
        What labels were exchanged between.
    n_units : int or None, default=None
        How many of them there are.

    Attributes
    ----------
    rows : list of dict
        One row, in these columns: ``score``, ``pvalue``, ``smallest_pvalue``, ``exact`` and
        ``n_labelings`` as above; ``n_scored`` labelings, beside the true one if they were drawn;
        ``null_mean`` and ``null_sd`` of their scores.

    See Also
    --------
    permutation_test : Makes it.
    exchangeability_test : Makes it, of the frames before the onset of stress.
    skwater.plotting.PermutationDisplay : What :meth:`plot` returns.

    Examples
    --------
    >>> import numpy as np
    >>> from skwater.evaluation import PermutationResult
    >>> PermutationResult(
    ...     score=0.9,
    ...     null=np.array([0.9, 0.4, 0.6, 0.5]),
    ...     pvalue=0.25,
    ...     smallest_pvalue=0.25,
    ...     exact=True,
    ...     n_labelings=4,
    ... )
    score  mean of labelings  labelings      p  smallest p
    ------------------------------------------------------
    0.900              0.600      all 4  0.250        0.25
    """

    score: float
    null: np.ndarray
    pvalue: float
    smallest_pvalue: float
    exact: bool
    n_labelings: int
    scoring: str = "score"
    units: str = "plants"
    n_units: int | None = None

    _part = "permutation"

    @property
    def rows(self) -> list[dict[str, Any]]:
        names = ("score", "pvalue", "smallest_pvalue", "exact", "n_labelings")
        return [
            {name: getattr(self, name) for name in names}
            | {
                "n_scored": len(self.null),
                "null_mean": float(np.mean(self.null)),
                "null_sd": float(np.std(self.null)),
            }
        ]

    def plot(self, ax: Axes | None = None) -> PermutationDisplay:
        """Plot the scores of the labelings as a histogram, and the score of the true labels.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to plot; by default in a new figure.

        Returns
        -------
        PermutationDisplay
            The display, plotted.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        import skwater

        return skwater.plotting.PermutationDisplay.from_result(self, ax=ax)

    def describe(self) -> str:
        """Describe in words what was done and found, for the methods section of a paper.

        Returns
        -------
        str
            A paragraph of English.
        """
        units = f"{self.n_units or ''} {self.units}".strip()
        how = f"in all {len(self.null)} possible ways"
        if not self.exact:
            how = f"in {len(self.null)} of {self.n_labelings} possible ways, drawn at random"
        return (
            f"The labels of {units} were exchanged {how}, and each labeling was cross-validated "
            f"with the same seeds. {self._findings()[0]} {show_libraries()}"
        )

    def _findings(self):
        n = len(self.null)
        if self.exact:
            n_as_good, of = round(self.pvalue * n), "labelings, the true one included,"
        else:
            n_as_good, of = round(self.pvalue * (1 + n)) - 1, "drawn labelings"
        return [
            f"With the true labels the {self.scoring.replace('_', ' ')} was "
            f"{show_number(self.score)}, with the others "
            f"{show_number(self.rows[0]['null_mean'])} on average; {n_as_good} of {n} {of} scored "
            f"as well or better ({show_pvalue(self.pvalue)}; smallest possible p "
            f"{self.smallest_pvalue:.2g})."
        ]

    def _columns(self):
        labelings = f"all {self.n_labelings}"
        if not self.exact:
            labelings = f"{len(self.null)} of {self.n_labelings}"
        return {
            self.scoring.replace("_", " "): [show_number(self.score)],
            "mean of labelings": [show_number(self.rows[0]["null_mean"])],
            "labelings": [labelings],
            "p": [show_pvalue(self.pvalue).removeprefix("p = ").removeprefix("p ")],
            "smallest p": [f"{self.smallest_pvalue:.2g}"],
        }

    def _footnotes(self):
        if self.n_units is None:
            return []
        return [f"Labels were exchanged between {self.n_units} {self.units}."]
