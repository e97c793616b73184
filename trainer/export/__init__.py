"""All lists out, into files and tables."""
