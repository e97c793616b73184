"""What a deployment adds to the parts themselves."""
