"""What an experiment has shown so far, by what people did."""
