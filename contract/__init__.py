"""What crosses a process boundary between trainer, workers and API, and nothing else."""
