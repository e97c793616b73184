"""Which engine fits, and the one home of recommenders."""
