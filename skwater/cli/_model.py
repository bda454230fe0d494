"""Options that say which model is made."""

import click

from ._command import Code, call

_NETWORKS = {"conv-lstm": "ConvLSTMClassifier", "cnn-lstm": "CNNLSTMClassifier"}

_OPTIONS = [
    click.option(
        "--network",
        type=click.Choice(list(_NETWORKS)),
        default="conv-lstm",
        show_default=True,
        help="The classifier.",
    ),
    click.option(
        "--splice",
        type=click.IntRange(min=1),
        metavar="N",
        help="Bring every class to N sequences by random sequence splicing. Give --onset-day too: "
        "without it, splicing rarely helps.",
    ),
    click.option(
        "--epochs", type=click.IntRange(min=1), help="Number of epochs.  [default: by network]"
    ),
    click.option("--seed", type=int, default=0, show_default=True, help="Seed of all randomness."),
]


def model_options(function):
    """Add the options of the model to a command."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def make_model(plants, *, network, splice, epochs, seed, verbose=0):
    """Make the model that the options describe."""
    import skwater

    cls = getattr(skwater, _NETWORKS[network])
    classifier = cls(**_settings(epochs, seed, verbose))
    if splice is None:
        return classifier
    sampler = skwater.RSSResampler(splice, onset=plants.onset, random_state=seed)
    return skwater.make_pipeline(sampler, classifier)


def model_code(*, network, splice, epochs, seed, verbose=0):
    """Python line of :func:`make_model`."""
    classifier = call(f"skwater.{_NETWORKS[network]}", **_settings(epochs, seed, verbose))
    if splice is None:
        return f"model = {classifier}\n"
    onset = Code("plants.onset")
    sampler = call("skwater.RSSResampler", splice, onset=onset, random_state=seed)
    return f"model = {call('skwater.make_pipeline', sampler, classifier)}\n"


def _settings(epochs, seed, verbose):
    epochs = {} if epochs is None else {"max_epochs": epochs}
    return {"random_state": seed, **epochs, **({"verbose": verbose} if verbose else {})}
