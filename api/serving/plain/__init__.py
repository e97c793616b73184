"""Plain questions, which take no thread: what is asked and what the answer is, and the poller's way to Redis and back."""
