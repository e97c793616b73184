"""Larder on one machine without Docker: Redis, trainer, workers and API as plain processes under supervisor."""
