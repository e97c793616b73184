"""One application for each of several catalogues."""
