"""Tables: found, told apart, opened, their columns chosen."""
