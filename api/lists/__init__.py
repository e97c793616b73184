"""Reading lists and what is known of items from Redis."""
