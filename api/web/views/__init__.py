"""What pages show: figures, alarms, charts, texts."""
