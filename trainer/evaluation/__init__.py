"""What a model is worth on held-out interactions, and the gate's verdict."""
