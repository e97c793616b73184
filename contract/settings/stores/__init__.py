"""Settings of Redis: where it is, and what it must have done before somebody relies on it."""
