"""What is in a source, what is wrong with it, and what to do."""
