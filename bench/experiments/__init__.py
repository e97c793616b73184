"""Experiments on simulated users."""
