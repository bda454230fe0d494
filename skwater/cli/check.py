"""``skwater check``: what is there, and what is wrong."""

import click

from ._command import Command
from ._images import image_options, load, load_code


def _code(**options):
    return f"""\
{load_code(**options, on_error="missing")}
for problem in plants.problems(verbose=1):
    print(problem)
print(plants.summary())
"""


@click.command("check", cls=Command, code=_code)
@image_options
@click.option("--no-labels", is_flag=True, help="The images have no labels.")
def command(**options):
    """Say what is there, and what is wrong.

    Every image is read. What is looked for: missing, damaged and truncated images; rows that
    contradict each other; images that plants or dates have in common; classes with too few plants;
    labels that go with the treatment, with dates that are missing, or with another column.

    IMAGES is a CSV file with the columns path, plant, date and label, or a folder of
    <label>/<plant>/<date>.png. Exit code 1 if there is a problem.

    \b
    Examples:
      skwater check images.csv
      skwater check images.csv --plant pot --date day --label water --date-format %d/%m/%Y
      skwater check images/ --labels plants.csv       folders of <plant>/<date>.jpg
      skwater check new/ --no-labels
    """
    plants = load(**options, on_error="missing")
    problems = plants.problems(verbose=1)
    if problems:
        click.echo(f"{len(problems)} {'problem' if len(problems) == 1 else 'problems'} found:")
    else:
        click.echo("No problem found.")
    for problem in problems:
        click.echo(f"  {problem}")
    click.echo(f"\n{plants.summary()}")
    if problems:
        raise click.exceptions.Exit(1)
