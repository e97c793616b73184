"""Runs with a target: purchases are recommended, and all events speak for them."""
