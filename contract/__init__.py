"""What crosses a process boundary, and nothing else."""

VERSION = "0.2.0"  # its one home: pyproject.toml and stack/installed.py read it here
