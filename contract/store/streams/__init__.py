"""Streams of what waits in Redis to be written to files."""
