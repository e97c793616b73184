"""From interactions by user to a matrix of similarities between items."""
