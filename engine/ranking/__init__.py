"""From scores to the lists that are served: what is popular lowered, and what is like the items above it moved down."""
