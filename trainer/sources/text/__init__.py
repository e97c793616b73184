"""Text files: their packing, dialect and records, broken ones named by line."""
