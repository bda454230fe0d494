"""``skwater watch``: alarms from a folder in which images arrive."""

import time

import click

from ._command import Code, Command, NewFile, as_options, call, existing, literal

_MOST_LINES = 20  # on images that cannot be used, for each look


def _monitor(threshold, n_consecutive, pos_label, **_):
    settings = {"threshold": threshold, "n_consecutive": n_consecutive, "pos_label": pos_label}
    return {name: value for name, value in settings.items() if value is not None}


def _watch(start, tolerance, **_):
    settings = {"start": start, "tolerance": tolerance}
    return {name: value for name, value in settings.items() if value is not None}


def _code(folder, model, out, interval, once, **options):
    loading = Code(f"skwater.load({literal(model)})")
    poll = """\
for status in watch.poll():
    print(status)
for image, reason in watch.problems.items():
    print(image, reason)
"""
    if not once:
        poll = "".join(f"    {line}\n" for line in poll.splitlines())
        poll = f"while True:\n{poll}    time.sleep({interval:g})\n"
    return f"""\
{"" if once else "import time" + chr(10)}\
import skwater
from skwater.monitoring import FolderWatch, StressMonitor

monitor = {call("StressMonitor", loading, **_monitor(**options))}
watch = {call("FolderWatch", Code("monitor"), folder, out, **_watch(**options))}
{poll}"""


@click.command("watch", cls=Command, code=_code)
@click.argument("folder", type=click.Path(exists=True, file_okay=False))
@click.option("--model", required=True, type=existing(folder=False), help="The model file.")
@click.option("--out", required=True, type=NewFile(), help="The CSV file.")
@click.option(
    "--threshold",
    type=click.FloatRange(0, 1),
    help="Probability of stress that counts as evidence. Choose it on plants that the model was "
    "not trained on: a low one raises false alarms.",
)
@click.option(
    "--n-consecutive",
    type=click.IntRange(min=1),
    help="How many images in a row must be evidence.  [default: 1]",
)
@click.option("--pos-label", help="The class that is stressed, such as dry.")
@click.option("--start", help="Date that is day 0 for these plants.  [default: that of training]")
@click.option(
    "--tolerance", type=float, help="How many days off the days of the model are allowed."
)
@click.option(
    "--interval",
    type=click.FloatRange(min=0),
    default=60,
    show_default=True,
    help="Seconds between two looks.",
)
@click.option("--once", is_flag=True, help="Look once and end, for cron.")
@click.pass_context
def command(ctx, folder, model, out, interval, once, **options):
    """Raise alarms while images arrive in a folder.

    Images are FOLDER/<plant>/<date>.jpg, and may arrive while the command runs.

    A line for each image is appended to the CSV file: its plant, day, probability of stress, and
    whether there is an alarm. New alarms are printed too. The file beside it, named .state, has
    what the model remembers of each plant. Stop at any time, by Ctrl-C (exit code 130), a kill or a
    power failure: the same command goes on, no image is lost, and none is counted twice.

    Train the model with 'skwater train --for-watch': one of whole seasons raises false alarms in
    the first weeks.

    An image that is damaged or of an unknown day is reported once, and read again if it changes.
    With --once the exit code is then 1.

    \b
    Examples:
      skwater watch new/ --model model.skwater --out alarms.csv --pos-label dry --threshold 0.8
      skwater watch new/ --model model.skwater --out alarms.csv --pos-label dry --threshold 0.8 \\
          --once --start 2026-05-03
    """
    import skwater
    from skwater.monitoring import FolderWatch, StressMonitor
    from skwater.resampling import SeasonStarts

    estimator = skwater.load(model)
    if not any(isinstance(step, SeasonStarts) for _, step in getattr(estimator, "steps", [])):
        click.echo(
            f"Note: {model} was trained on whole seasons and may raise false alarms in the first "
            f"weeks. Train it with --for-watch.",
            err=True,
        )
    monitor = StressMonitor(estimator, **_monitor(**options))
    with FolderWatch(monitor, folder, out, **_watch(**options), verbose=1) as watch:
        click.echo(f"Watching {folder}; lines go to {out}.", err=True)
        while True:
            for status in watch.poll():
                if status.alarm and status.alarm_day == status.day:
                    click.echo(
                        f"ALARM: plant {status.plant}, day {status.day:g}, probability of stress "
                        f"{status.probability:.2f}"
                    )
            for image, reason in list(watch.problems.items())[:_MOST_LINES]:
                reason = as_options(reason, ctx.command.params)
                click.echo(f"Not used: {image}: {reason}", err=True)
            if len(watch.problems) > _MOST_LINES:
                click.echo(f"... and {len(watch.problems) - _MOST_LINES} more", err=True)
            if once:
                raise click.exceptions.Exit(1 if watch.problems else 0)
            time.sleep(interval)
