"""What all commands share: how errors are told, and the options --show-code and --debug."""

import re
import warnings
from pathlib import Path

import click


class Command(click.Command):
    """A command whose errors are messages, and which can show its lines of Python.

    Parameters
    ----------
    code : callable
        Makes the Python lines from the values of the options.
    """

    def __init__(self, *args, code, **kwargs):
        super().__init__(*args, **kwargs)
        self._code = code
        self.params += [
            click.Option(
                ["--show-code"], is_flag=True, help="Print the same in Python, and do nothing else."
            ),
            click.Option(
                ["--debug"],
                is_flag=True,
                envvar="SKWATER_DEBUG",
                help="Show where in the program an error occurs; also SKWATER_DEBUG=1.",
            ),
        ]

    def invoke(self, ctx):
        """Run the command, or show its code."""
        show, debug = ctx.params.pop("show_code"), ctx.params.pop("debug")
        try:
            with warnings.catch_warnings():
                if not debug:
                    warnings.showwarning = _show_warning
                if show:
                    return click.echo(self._code(**ctx.params), nl=False)
                return super().invoke(ctx)
        except (click.exceptions.Exit, click.ClickException, click.Abort, BrokenPipeError):
            raise  # click knows what to do, also if the reader of a pipe has gone
        except KeyboardInterrupt:
            click.echo("\nStopped.", err=True)
            ctx.exit(130)
        except Exception as error:
            if debug:
                raise
            raise click.ClickException(_message(error, self.params)) from error


def _show_warning(message, *_, **__):
    click.echo(f"Warning: {message}", err=True)


def _message(error, options):
    """Text of an error, in which arguments of Python are options of the command."""
    if isinstance(error, FileNotFoundError | PermissionError) and error.filename:
        return f"{error.filename}: {error.strerror}"
    text = str(error)
    if not isinstance(error, ValueError | OSError | RuntimeError | ImportError) or not text:
        text = f"{type(error).__name__}: {text} (--debug shows where)"
    return as_options(text, options)


def as_options(text, options):
    """Text in which arguments of Python, ``start=``, are options of a command, ``--start``."""
    text = text.replace("labels=False", "--no-labels")
    text = re.sub(r"labels=\{.*?\} or a CSV file", "--labels plants.csv, a CSV file", text)
    for option in options:
        name = option.opts[0]
        if name.startswith("--"):
            text = re.sub(rf"(?<![\w-]){option.name}=(?=[\s,.:;)]|$)", name, text)
            text = re.sub(rf"(?<![\w-]){option.name}=", f"{name} ", text)
            if "_" in option.name:  # else it may be a word
                text = re.sub(rf"(?<![\w-]){option.name}\b", name, text)
    return text


def call(name, *args, **kwargs):
    """Python code of a call, in one line or with an argument in each."""
    parts = [literal(value) for value in args]
    parts += [f"{key}={literal(value)}" for key, value in kwargs.items()]
    line = f"{name}({', '.join(parts)})"
    if len(line) <= 80 and "\n" not in line:
        return Code(line)
    lines = "".join(f"    {part},\n".replace("\n    ", "\n        ") for part in parts)
    return Code(f"{name}(\n{lines})")


def literal(value):
    """Python code of a value, text in double quotes if it can be."""
    if isinstance(value, Code):
        return value
    plain = isinstance(value, str) and repr(value) == f"'{value}'" and '"' not in value
    return f'"{value}"' if plain else repr(value)


class Code(str):
    """Text that is Python code, such as the name of a variable."""


def existing(*, folder=True):
    """Type of an argument that is a file or a folder that exists."""
    return click.Path(exists=True, dir_okay=folder, path_type=str)


class NewFile(click.Path):
    """Type of an option that is a file to write, of which the folder exists."""

    def __init__(self):
        super().__init__(dir_okay=False, path_type=str)

    def convert(self, value, param, ctx):
        """Refuse a file that could not be written when all the work is done."""
        value = super().convert(value, param, ctx)
        folder = Path(value).absolute().parent
        if not folder.is_dir():
            self.fail(f"There is no folder {folder}.", param, ctx)
        return value


def is_folder(path):
    """Whether a path is that of a folder."""
    return Path(path).is_dir()
