"""``skwater evaluate``: can stress be told from these images?"""

import click

from ._command import Code, Command, NewFile, call, literal
from ._images import image_options, load, load_code, on_error_option
from ._model import make_model, model_code, model_options, take_model_options


def _settings(repeats, jobs, memory, pos_label, seed, **_):
    settings = {"n_repeats": repeats, "n_jobs": jobs, "memory": memory, "pos_label": pos_label}
    return {k: v for k, v in settings.items() if v is not None} | {"random_state": seed}


def _code(repeats, jobs, memory, report, **options):
    model = take_model_options(options)
    benchmark = call(
        "benchmark",
        Code(f'{{"{model["network"]}": model}}'),
        Code("plants.data"),
        Code("plants.target"),
        groups=Code("plants.plant"),
        treatments=Code("plants.treatment"),
        **_settings(repeats, jobs, memory, **model),
    )
    names, writing = "benchmark", ""
    if report:
        names = "benchmark, report"
        writing = f"report({literal(report)}, data=plants, result=result)\n"
    return f"""\
import skwater
from skwater.evaluation import {names}
{load_code(**options)}{model_code(**model)}\
result = {benchmark}
print(result)
{writing}"""


@click.command("evaluate", cls=Command, code=_code)
@image_options
@on_error_option
@model_options
@click.option(
    "--repeats",
    type=click.IntRange(min=1),
    default=3,
    show_default=True,
    help="Repeats of the folds.",
)
@click.option("--jobs", type=int, help="Number of processes.")
@click.option("--memory", type=click.Path(), help="Folder in which finished fits are kept.")
@click.option("--report", type=NewFile(), help="Write a report, an HTML file.")
def command(repeats, jobs, memory, report, **options):
    """Score a model beside simple baselines.

    Plants are tested by models that were not trained on them. If IMAGES have a column of
    treatments, whole treatments are left out. A model that is no better than the best baseline has
    shown nothing.

    Ctrl-C keeps what is finished: the table and the report are written, and the exit code is 130.

    \b
    Examples:
      skwater evaluate images.csv --pos-label dry
      skwater evaluate images.csv --pos-label dry --report report.html --memory study
    """
    from skwater.evaluation import benchmark

    if report:  # an error that it is not installed comes before the work
        from skwater.evaluation import report as write_report
    model = take_model_options(options)
    plants = load(**options)
    result = benchmark(
        {model["network"]: make_model(plants, **model)},
        plants.data,
        plants.target,
        groups=plants.plant,
        treatments=plants.treatment,
        **_settings(repeats, jobs, memory, **model),
    )
    click.echo(str(result))
    if report:
        write_report(report, data=plants, result=result)
        click.echo(f"The report is {report}", err=True)
    if not result.complete:
        raise click.exceptions.Exit(130)
