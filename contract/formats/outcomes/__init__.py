"""What became of what was shown, as it is kept and told."""
