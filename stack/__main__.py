"""`larder`, or `python -m stack`: what .venv/bin/larder runs."""

from __future__ import annotations

import sys

try:
    from stack.command_line import main
except ModuleNotFoundError as error:  # another Python than that of .venv, or an install that was cut short
    sys.stderr.write(f"{error.name} is not installed for {sys.executable}: run `make setup`, then use .venv/bin/larder\n")
    sys.exit(1)

if __name__ == "__main__":
    sys.exit(main())
