"""The groups of a splitter: the plant, or the treatment, of each row."""

from sklearn.utils import column_or_1d


def check_groups(groups):
    """Return groups as an array (n_samples,) of any dtype, without missing names."""
    if groups is None:
        raise ValueError(
            "groups must not be None: it names the plant, or the treatment, of each row. If every "
            "row is a plant of its own, numpy.arange(len(X)) names them."
        )
    groups = column_or_1d(groups)
    unknown = [i for i, name in enumerate(groups) if name is None or name != name]  # NaN
    if unknown:
        raise ValueError(
            f"groups is {groups[unknown[0]]} for sample {unknown[0]}: without a name it cannot be "
            f"kept apart. Name it, or leave it out."
        )
    return groups
