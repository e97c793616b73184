"""The command `tenants`."""
