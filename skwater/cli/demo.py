"""``skwater demo``: a whole session on simulated images."""

import shlex
from pathlib import Path

import click

from ._command import Command, literal

_SESSION = """\
skwater check {folder}/images.csv --size 32
skwater train {folder}/images.csv --size 32 --start 2025-05-01 --onset-day 28 --splice 30 \
--out {folder}/model.skwater
skwater predict {folder}/model.skwater {folder}/next-season/images --start 2026-05-01
"""


def _code(folder):
    return f"""\
import skwater
from skwater.datasets import load_manifest, make_image_folder

csv = make_image_folder({literal(folder)}, random_state=0)
make_image_folder({literal(folder + "/next-season")}, start="2026-05-01", random_state=1)
plants = load_manifest(csv, size=32, start="2025-05-01", onset_day=28)
print(plants.problems())
sampler = skwater.RSSResampler(30, onset=plants.onset, random_state=0)
model = skwater.make_pipeline(sampler, skwater.ConvLSTMClassifier(random_state=0))
model.fit(plants.data, plants.target)
skwater.save(model, {literal(folder + "/model.skwater")})
new = skwater.predict_images(model, {literal(folder + "/next-season/images")}, start="2026-05-01")
print(new.plant, new.prediction)
"""


@click.command("demo", cls=Command, code=_code)
@click.argument("folder", type=click.Path(), default="skwater-demo")
@click.pass_context
def command(ctx, folder):
    """Show a whole session on simulated images.

    Simulated images of two seasons are written to FOLDER. Those of the first are checked and
    trained on, those of the second are predicted. It takes less than a minute.

    \b
    Examples:
      skwater demo
      skwater demo somewhere/else
    """
    from skwater.datasets import make_image_folder

    make_image_folder(folder, random_state=0)
    make_image_folder(Path(folder, "next-season"), start="2026-05-01", random_state=1)
    click.echo(f"Images of two seasons are in {folder}. They are simulated.")
    folder = shlex.quote(folder)
    for line in _SESSION.format(folder=folder).splitlines():
        click.echo(f"\n$ {line}")
        _, name, *args = shlex.split(line)
        ctx.parent.command.commands[name].main(args, standalone_mode=False)
    click.echo(f"""
What to try next:
  skwater inspect {folder}/model.skwater
  skwater evaluate {folder}/images.csv --size 32 --pos-label dry
  skwater train {folder}/images.csv --size 32 --start 2025-05-01 --onset-day 28 \
--pos-label dry --for-watch --out {folder}/watch.skwater
  skwater watch {folder}/next-season/images --model {folder}/watch.skwater \
--out {folder}/alarms.csv --pos-label dry --threshold 0.8 --start 2026-05-01 --once
  skwater check YOUR-IMAGES.csv --help""")
