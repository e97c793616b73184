"""Redis Cluster as the store: where a key lies, a client for trainer and workers, and what several servers say as one."""
