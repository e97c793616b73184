"""Lists that lie in a Redis Cluster: which server has a slot, and how several are asked at once."""
