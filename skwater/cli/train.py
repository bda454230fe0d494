"""``skwater train``: from labeled images to a model file."""

import click

from ._command import Code, Command, NewFile, call
from ._images import image_options, load, load_code, on_error_option
from ._model import make_model, model_code, model_options, take_model_options


def _code(out, **options):
    model = take_model_options(options)
    notes = Code('{"trained_on": plants.plant}')
    return f"""\
import skwater
{load_code(**options)}{model_code(**model, verbose=1)}\
model.fit(plants.data, plants.target)
{call("skwater.save", Code("model"), out, notes=notes)}
"""


@click.command("train", cls=Command, code=_code)
@image_options
@on_error_option
@model_options
@click.option(
    "--out", required=True, type=NewFile(), help="The model file, by convention *.skwater."
)
def command(out, **options):
    """Train a model and save it.

    It is trained on all plants of IMAGES, a CSV file with the columns path, plant, date and label,
    or a folder of <label>/<plant>/<date>.png.

    The file is safe to share and holds no images. It remembers how the images were read, and the
    day of each: new images are read in the same way. Use 'skwater evaluate' before, to see whether
    such a model can be trusted at all. A model for 'skwater watch' needs --for-watch: one of whole
    seasons raises false alarms in the first weeks. For 'skwater predict' at the end of a season
    leave it out: such a model knows whole seasons less well.

    \b
    Examples:
      skwater train images.csv --out model.skwater
      skwater train images.csv --out model.skwater --start 2025-05-01 --onset-day 28 --splice 60
      skwater train images.csv --out model.skwater --onset-day 28 --pos-label dry --for-watch
    """
    import skwater

    model_settings = take_model_options(options)
    plants = load(**options)
    model = make_model(plants, **model_settings, verbose=1)
    model.fit(plants.data, plants.target)
    skwater.save(model, out, notes={"trained_on": plants.plant})
    click.echo(f"{out}: trained on {len(plants.plant)} plants, classes {', '.join(plants.classes)}")
