"""All that Redis holds of one namespace, in a file and back."""
