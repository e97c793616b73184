"""Long tables: sorted by a column, and as CSV."""
