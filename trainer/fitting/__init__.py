"""Which model is fitted, and the one home of recommenders."""
