"""Users × items in CSR, and how interactions become weights in them."""
