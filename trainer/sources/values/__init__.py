"""From columns as they are to ids, weights and times."""
