"""What a run has found, as it is kept for people: the diff of a generation with the one before, the tune that chose its settings."""
