"""Runs: from a source of interactions to an artifact and the jobs that score it; and the command line."""
