"""`python -m bench`."""

from __future__ import annotations

import os
import sys

from engine import kernel_cache

if __name__ == "__main__":
    kernel_cache.use(os.environ)  # before Numba is imported
    from bench.command_line import cli

    sys.exit(cli())
