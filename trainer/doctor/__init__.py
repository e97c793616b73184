"""Whether Redis, folders, this machine and the settings are as Larder needs them."""
