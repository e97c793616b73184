"""One run, from source to dispatched shards."""
