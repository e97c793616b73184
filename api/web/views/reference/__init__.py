"""The reference of the API: what the OpenAPI document says, for people."""
