"""Redis as the store of lists: connections, scripts, generations, item revisions, erasures, runs."""
