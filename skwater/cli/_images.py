"""Options that say how images are read, for the commands that load labeled images."""

import click

from ._command import call, existing, is_folder

_OF_FOLDERS = ("labels", "date_pattern")
_OF_TABLES = ("path", "plant", "date", "label", "treatment", "sep", "encoding")


class Size(click.ParamType):
    """64, or 48x64 for height and width."""

    name = "size"

    def convert(self, value, param, ctx):
        """Return a number, or a tuple of two."""
        try:
            numbers = tuple(int(part) for part in str(value).split("x"))
        except ValueError:
            numbers = ()
        if len(numbers) not in (1, 2) or min(numbers) < 1:
            self.fail(f"{value!r} is no size: 64, or 48x64 for height and width.", param, ctx)
        return numbers[0] if len(numbers) == 1 else numbers


def _option(name, text, **settings):
    return click.option(name, help=text, **settings)


_OPTIONS = [
    click.argument("images", type=existing()),
    _option(
        "--size",
        "Height and width of a frame in pixels: 64, or 48x64. Images are cut to this shape around "
        "their center, and resized.",
        type=Size(),
        default=64,
        show_default=True,
    ),
    _option("--start", "Date that is day 0, such as that of sowing.  [default: the first date]"),
    _option(
        "--onset-day",
        "Last day, or date, on which no plant can be stressed yet: the last irrigation.",
    ),
    _option(
        "--tolerance",
        "Dates that differ by at most so many days from their middle share a frame.",
        type=float,
    ),
    _option("--date-format", "Format of dates that are not in ISO form, such as %d/%m/%Y."),
    _option(
        "--labels",
        "Folder: CSV file of plants and their labels, if the folders are <plant>/<date>.png.",
        type=existing(folder=False),
    ),
    _option("--date-pattern", "Folder: where the date is in names of files, such as IMG_{}_top."),
    _option("--path", "CSV: column of the path of an image.  [default: path]"),
    _option("--plant", "CSV: column of the plant.  [default: plant]"),
    _option(
        "--date",
        "CSV: column of the date; given twice, of date and time.  [default: date]",
        multiple=True,
    ),
    _option("--label", "CSV: column of the class.  [default: label]"),
    _option("--treatment", "CSV: column of the treatment.  [default: treatment]"),
    _option("--sep", "CSV: character between columns.  [default: comma]"),
    _option("--encoding", "CSV: encoding of the file.  [default: utf-8]"),
]

on_error_option = _option(
    "--on-error",
    "Whether images that cannot be used are an error or missing frames.  [default: raise]",
    type=click.Choice(["raise", "missing"]),
)


def image_options(function):
    """Add the argument IMAGES and the options of the loaders to a command."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def loader(images, *, date, no_labels=False, **options):
    """Name of the function that loads the images, and its arguments."""
    options = {name: value for name, value in options.items() if value is not None}
    if date:
        options["date"] = date[0] if len(date) == 1 else list(date)
    wrong = _OF_TABLES if is_folder(images) else _OF_FOLDERS
    given = [f"--{name.replace('_', '-')}" for name in options if name in wrong]
    if given:
        what = "a CSV file" if is_folder(images) else "a folder"
        raise click.UsageError(f"{', '.join(given)} is for {what}, and {images} is none.")
    if is_folder(images):
        return "load_image_sequences", options | ({"labels": False} if no_labels else {})
    return "load_manifest", options | ({"label": None} if no_labels else {})


def load(images, **options):
    """Load the images as the options say."""
    from skwater import datasets

    name, options = loader(images, **options)
    return getattr(datasets, name)(images, **options)


def load_code(images, **options):
    """Python lines of :func:`load`."""
    name, options = loader(images, **options)
    line = call(name, images, **options)
    return f"from skwater.datasets import {name}\n\nplants = {line}\n"
