"""Artifacts: a run's output on disk, in a folder or an object store."""
