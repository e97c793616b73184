"""What the explorer shows: lists, pictures, requests to copy."""
