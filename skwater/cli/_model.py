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
        "--for-watch",
        is_flag=True,
        help="Train on starts of the season too, as 'skwater watch' needs. Give --onset-day and "
        "--pos-label.",
    ),
    click.option("--pos-label", help="The class that is stressed, such as dry."),
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


def take_model_options(options):
    """Remove the options of the model from those of a command, and return them."""
    names = ("network", "splice", "for_watch", "pos_label", "epochs", "seed")
    return {name: options.pop(name) for name in names}


def make_model(plants, *, network, splice, for_watch, pos_label, epochs, seed, verbose=0):
    """Make the model that the options describe."""
    import skwater

    samplers = []
    if splice is not None:
        sampler = skwater.RSSResampler(splice, onset=plants.onset, random_state=seed)
        samplers.append(sampler)
    if for_watch:
        if plants.onset is None or pos_label is None:
            raise click.UsageError("--for-watch needs --onset-day and --pos-label.")
        samplers.append(skwater.resampling.SeasonStarts(plants.onset, pos_label=pos_label))
    cls = getattr(skwater, _NETWORKS[network])
    classifier = cls(**_settings(for_watch, epochs, seed, verbose))
    return skwater.make_pipeline(*samplers, classifier) if samplers else classifier


def model_code(*, network, splice, for_watch, pos_label, epochs, seed, verbose=0):
    """Python lines of :func:`make_model`."""
    onset, samplers = Code("plants.onset"), []
    if splice is not None:
        samplers.append(call("skwater.RSSResampler", splice, onset=onset, random_state=seed))
    if for_watch:
        samplers.append(call("skwater.resampling.SeasonStarts", onset, pos_label=pos_label))
    classifier = call(
        f"skwater.{_NETWORKS[network]}", **_settings(for_watch, epochs, seed, verbose)
    )
    if samplers:
        classifier = call("skwater.make_pipeline", *samplers, classifier)
    return f"model = {classifier}\n"


def _settings(for_watch, epochs, seed, verbose):
    settings = {"class_weight": "balanced"} if for_watch else {}  # most starts are not stressed
    settings |= {} if epochs is None else {"max_epochs": epochs}
    return settings | {"random_state": seed} | ({"verbose": verbose} if verbose else {})
