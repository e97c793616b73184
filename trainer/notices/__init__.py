"""What became of runs, told to addresses and commands that the operator names."""
