"""Experiments: which users get lists of which generation, and the moves that begin, change and end that."""
