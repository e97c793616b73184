"""A sample of what was shown, for the trainer service's files. Imported where `LARDER_IMPRESSIONS` asks for it."""
