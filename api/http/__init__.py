"""HTTP in general: routes, requests, responses, problems, keys, OpenAPI."""
