"""Lists with new items in them, in a few lines of Python: the list to come is kept whole, and cut at its end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from tests.support.models.mmr import Ranked
from trainer.verify.explored import drawn


def exploring(
    listed: Ranked, new: Ranked, seed: int, *, every: int, window: int, depth: int, categories: Sequence[Sequence[int]] = (), most: int = 0
) -> tuple[Ranked, list[int]]:
    """The list and its places that explore. `new`: all new items that the user has not met, best first."""

    def holds(items: Ranked) -> bool:
        return not most or max(Counter(number for item, _ in items for number in categories[item]).values(), default=0) <= most

    waiting = sorted(new[:window], key=lambda entry: drawn(seed, entry[0]))
    made: Ranked = []
    rest, marked = list(listed), list[int]()
    while len(made) < depth:
        chosen = None
        while (len(made) + 1) % every == 0 and waiting and chosen is None:
            one = waiting.pop(0)
            if one[0] in dict(made):
                continue
            left = [entry for entry in rest if entry[0] != one[0]]
            left = left[: depth - len(made) - 1]
            if one[0] in dict(rest) or holds([*made, one, *left]):
                chosen, rest = one, left
        if chosen is not None:
            marked.append(len(made))
        elif rest:
            chosen = rest.pop(0)
        else:
            break
        made.append(chosen)
    return made, marked
