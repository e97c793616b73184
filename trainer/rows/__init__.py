"""Batches of rows on their way in, and what is wrong with them."""
