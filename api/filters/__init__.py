"""Filters of requests: their language, and the columns of items that they look at."""
