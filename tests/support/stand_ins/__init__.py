"""In place of packages that are too heavy for the tests: each knows what the files of examples/ use, and calls their functions."""
