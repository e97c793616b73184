"""Interactions as arrays: validated, typed, indexed, cleaned."""
