"""Events on the disk: out of Redis into Parquet files by day, and out of those again."""
