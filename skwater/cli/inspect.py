"""``skwater inspect``: what is in a model file."""

import click

from ._command import Command, existing, literal


def _code(model):
    return f"import skwater\n\nprint(skwater.inspect({literal(model)}))\n"


@click.command("inspect", cls=Command, code=_code)
@click.argument("model", type=existing(folder=False))
def command(model):
    """Say what is in a model file.

    It is what the author of the file says: class, parameters, classes, days, notes. Nothing of the
    file is executed.

    \b
    Example:
      skwater inspect model.skwater
    """
    import skwater

    click.echo(repr(skwater.inspect(model)))
