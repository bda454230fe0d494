"""The command ``skwater``: the Python interface for those who do not write Python.

A command is a few lines on the public interface, and prints them with ``--show-code``. Modules
here import nothing but click and the standard library at the top, so that ``--help`` is quick.
"""

import click

from . import check, demo, evaluate, inspect, predict, train, watch

__all__ = ["main"]


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="skwater")
def main():
    """Detect water stress in plants from image time series.

    You need images of plants on several dates, and whether each plant was stressed. They are listed
    in a CSV file with the columns path, plant, date and label, or lie in folders like
    <label>/<plant>/<date>.png.

    \b
    First steps:
      skwater demo                  a whole session on simulated images, in a minute
      skwater check images.csv      are the images all right?
      skwater evaluate images.csv   can stress be told at all?
      skwater train images.csv --out model.skwater
      skwater predict model.skwater new/
      skwater watch new/ --model model.skwater --out alarms.csv --threshold 0.8

    COMMAND --help explains each command, COMMAND --show-code prints the same in Python.

    \b
    Exit codes: 0 all is well, 1 a problem was found or an error occurred, 2 the command line is
    wrong, 130 stopped by Ctrl-C.
    """


for module in (demo, check, evaluate, train, predict, watch, inspect):
    main.add_command(module.command)
