"""Runs over time and beside each other."""
