"""A table of interactions that is large enough to be interrupted."""

from __future__ import annotations

import csv
import random
from pathlib import Path


def write_interactions(path: Path, *, n_users: int, n_items: int, per_user: int) -> None:
    """A CSV with the default columns: users and items from 1, each user with `per_user` different items; the same at every call."""
    draw = random.Random(1)
    with open(path, "w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(("userID", "itemID", "rating", "timestamp"))
        for user in range(1, n_users + 1):
            for item in draw.sample(range(1, n_items + 1), per_user):
                rows.writerow((user, item, draw.randint(1, 5), 1_700_000_000 + draw.randrange(10_000_000)))
    path.chmod(0o644)
