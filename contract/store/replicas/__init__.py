"""Writes that a failover can't lose, and what it has lost."""
