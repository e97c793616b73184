"""From a user's interactions and a matrix of similarities to the user's list, its reasons, and similar items."""
