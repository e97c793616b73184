"""What commands print: tables, bars, outcomes."""
