"""What can be set, by environment or option, and how it is checked."""
