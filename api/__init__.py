"""The serving API: reads lists from Redis and answers JSON. It computes nothing."""
