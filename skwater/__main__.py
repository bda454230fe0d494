"""``python -m skwater``."""

from .cli import main

main()
