"""Several catalogues in one deployment: a file that names them, and what each of them sets."""
