"""RQ as the queue of jobs: names, enqueueing, leases, what stands in it."""
