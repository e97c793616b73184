"""Settings of engines that are not ours alone."""
