"""``skwater predict``: new images, by a saved model."""

import csv

import click

from ._command import Code, Command, call, existing, literal
from ._images import on_error_option


def _settings(start, tolerance, on_error):
    settings = {"start": start, "tolerance": tolerance, "on_error": on_error}
    return {name: value for name, value in settings.items() if value is not None}


def _code(model, images, out, **options):
    predict = call("skwater.predict_images", Code("model"), images, **_settings(**options))
    return f"""\
import skwater

model = skwater.load({literal(model)})
new = {predict}
for plant, label in zip(new.plant, new.prediction):
    print(plant, label)
"""


@click.command("predict", cls=Command, code=_code)
@click.argument("model", type=existing(folder=False))
@click.argument("images", type=existing())
@click.option("--start", help="Date that is day 0 for these plants.  [default: that of training]")
@click.option(
    "--tolerance", type=float, help="How many days off the days of the model are allowed."
)
@on_error_option
@click.option(
    "--out", type=click.File("w", atomic=True, lazy=True), default="-", help="A CSV file."
)
def command(model, images, out, **options):
    """Predict the classes of new plants.

    MODEL is a file of 'skwater train', and IMAGES is a folder of
    <plant>/<date>.jpg or a CSV file with the columns of training. They are read as the training
    images were. The season may be half over. The result is a CSV table.

    \b
    Examples:
      skwater predict model.skwater new/ > predictions.csv
      skwater predict model.skwater new/ --start 2026-05-03 --out predictions.csv
    """
    import skwater

    new = skwater.predict_images(skwater.load(model), images, **_settings(**options))
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["plant", "prediction", *(f"probability of {c}" for c in new.classes)])
    for i, plant in enumerate(new.plant):
        probabilities = () if new.probability is None else new.probability[i]
        writer.writerow([plant, new.prediction[i], *(f"{p:.6f}" for p in probabilities)])
