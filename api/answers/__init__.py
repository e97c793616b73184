"""What an answer holds, and its JSON."""
