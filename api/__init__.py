"""The HTTP API: reads lists from Redis, answers JSON, computes nothing from a model."""
