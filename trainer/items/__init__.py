"""Items as they are known now: metadata, availability, rules."""
