"""A penalty on popularity: the score of an item that n users have is divided by n ** strength.

Paudel, Christoffel, Newell, Bernstein, ACM TiiS 2017, divide a random walk's scores so (RP3beta, engine/models/rp3beta.py); here any
model's are. Of an item that nobody has, n counts as 1. It is a factor as a boost is (engine/score/rules.py), so that a negative score is
multiplied by n ** strength in place of being divided: a penalty lowers every score, and more so the more users an item has.
"""

from __future__ import annotations

import numpy as np

from engine.arrays import Array


def factors(n_users: Array, strength: float) -> Array:
    """n ** -strength, float32, of items that `n_users` have."""
    found: Array = (np.maximum(n_users, 1).astype(np.float64) ** -strength).astype(np.float32)
    return found
