"""imbalanced-learn's pipeline, which also checks the onset of splicing."""

from typing import Any

import imblearn.pipeline
from sklearn.pipeline import _name_estimators

from .preprocessing import FrameSampler
from .resampling import RSSResampler
from .resampling._onset import parts_of


class Pipeline(imblearn.pipeline.Pipeline):
    """Pipeline of transformers, samplers and a final classifier.

    This is :class:`imblearn.pipeline.Pipeline`: samplers act in ``fit`` only, never in
    ``predict``. In addition it refuses to be fitted with a
    :class:`~skwater.preprocessing.FrameSampler` that drops frames before an
    :class:`~skwater.RSSResampler` with an ``onset``, since the ``onset`` would then count other
    frames than those of ``X``. Put the `FrameSampler` after the sampler; ``strategy="first"`` is
    allowed before it, too.

    Parameters
    ----------
    steps : list of (str, estimator)
        Names and estimators, in order.
    transform_input : list of str, default=None
        Names of metadata that are transformed like ``X``; see imbalanced-learn.
    memory : str or object with the joblib.Memory interface, default=None
        Cache for fitted transformers.
    verbose : bool, default=False
        Whether to print the time that each step takes.

    See Also
    --------
    make_pipeline : Names the steps automatically.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skwater import Pipeline, RSSResampler
    >>> Pipeline([("rss", RSSResampler()), ("classifier", LogisticRegression())])
    Pipeline(steps=[('rss', RSSResampler()), ('classifier', LogisticRegression())])
    """

    def _validate_steps(self):
        super()._validate_steps()
        dropping = None
        for name, step in self.steps:
            if isinstance(step, RSSResampler) and step.onset is not None and dropping:
                raise ValueError(
                    f"The FrameSampler in step {dropping!r} drops frames before the RSSResampler "
                    f"in step {name!r}, so that onset={step.onset} would count other frames than "
                    f"those of X. Put the FrameSampler after the RSSResampler: the classifier then "
                    f"sees the same frames. (strategy='first' is allowed before it.)"
                )
            if any(isinstance(p, FrameSampler) and p.strategy != "first" for p in parts_of(step)):
                dropping = name


def make_pipeline(
    *steps: Any, memory: Any = None, transform_input: list[str] | None = None, verbose: bool = False
) -> Pipeline:
    """Make a :class:`Pipeline` from estimators, named by their types in lower case.

    Parameters
    ----------
    *steps : list of estimators
        Transformers and samplers, then the classifier.
    memory : str or object with the joblib.Memory interface, default=None
        Cache for fitted transformers.
    transform_input : list of str, default=None
        Names of metadata that are transformed like ``X``; see imbalanced-learn.
    verbose : bool, default=False
        Whether to print the time that each step takes.

    Returns
    -------
    Pipeline
        The pipeline.

    See Also
    --------
    Pipeline : The class, and what it refuses.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skwater import RSSResampler, make_pipeline
    >>> make_pipeline(RSSResampler(), LogisticRegression())
    Pipeline(steps=[('rssresampler', RSSResampler()),
                    ('logisticregression', LogisticRegression())])
    """
    options = {"memory": memory, "transform_input": transform_input, "verbose": verbose}
    return Pipeline(_name_estimators(steps), **options)
