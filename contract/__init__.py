"""What crosses a process boundary, and nothing else."""

VERSION = "0.1.0"  # as in pyproject.toml
