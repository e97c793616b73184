"""What models and choices find of held-out interactions."""
