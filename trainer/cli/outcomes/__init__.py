"""The command `outcomes`."""
