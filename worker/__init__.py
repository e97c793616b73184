"""Scores shards of users and writes their lists."""
