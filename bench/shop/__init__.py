"""A made-up shop, in which people look at some things and buy others, and what a target finds in it."""
