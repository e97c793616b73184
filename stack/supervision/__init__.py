"""Supervisor and the processes below it."""
