"""Interactions from anywhere, as batches of converted values."""
