"""Tables of other shapes than a row for an event: matrices, baskets, blocks."""
