"""Whether a generation was made of another table than the current one, or of one that is read otherwise."""
