"""A user out of lists, artifacts and later runs."""
