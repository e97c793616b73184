"""Which model suits these interactions: a grid of them, measured on what happened next, and a choice that noise does not make."""
