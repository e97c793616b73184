"""Bytes and records that one process writes and another reads: keys, ids, lists, artifacts, manifests, verdicts."""
