"""Models that tell events of a target from others: what an event of any type on one item says for a target event on another."""
