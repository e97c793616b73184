"""Programs for who works on Larder; no service needs them."""
