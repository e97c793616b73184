"""What became of what was shown: impressions and events, joined, counted, and held to chance."""
