"""What changed from one generation to another, from their lists in Redis."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial

from contract.formats import payload
from contract.formats.evaluation import Evaluation, Figures
from contract.formats.keys import Id
from contract.formats.manifest import Manifest
from contract.formats.reports.diff import Diff, Side
from contract.store.generations import Generations
from contract.store.lists import Fields, read_buckets, read_users, spread
from trainer.inspect.measures import distribution, overlap_at, rank_biased_overlap

SAMPLE_USERS = 20_000  # of larger generations only so many, in evenly spaced buckets, are read
HEAD = 0.01  # of a catalogue: its most listed items
EXAMPLES = 5


def compare(generations: Generations, before: str, after: str) -> Diff:
    """Raises GenerationError for a generation that Redis does not know, PayloadError for a list that can't be read."""
    old, new = generations.manifest(before), generations.manifest(after)
    k = min(old.settings.k, new.settings.k)
    was, now = Counter[Id](), Counter[Id]()
    overlaps: list[float] = []
    rbos: list[float] = []
    identical, gained, lost, n_old, n_new = 0, 0, 0, 0, 0
    for lists, known in _sample(generations, new, old):
        n_new += len(lists)
        gained += len(lists) - len(known)
        for user, raw in lists.items():
            items = payload.decode(raw)[0]
            now.update(items[:k])
            if user in known:
                others = payload.decode(known[user])[0]
                overlaps.append(overlap_at(k, others, items))
                rbos.append(rank_biased_overlap(others, items))
                identical += others[:k] == items[:k]
    for lists, known in _sample(generations, old, new):
        n_old += len(lists)
        lost += len(lists) - len(known)
        for raw in lists.values():
            was.update(payload.decode(raw)[0][:k])
    return Diff(
        before=_side(generations, old, was, n_old),
        after=_side(generations, new, now, n_new),
        k=k,
        sampled=any(_is_sampled(manifest) for manifest in (old, new)),
        overlap=distribution(overlaps) if overlaps else None,
        rbo=distribution(rbos) if rbos else None,
        identical=identical / len(overlaps) if overlaps else 0.0,
        users_gained=gained,
        users_lost=lost,
        items_gained=len(now.keys() - was.keys()),
        items_lost=len(was.keys() - now.keys()),
        most_gained=_most(now, was),
        most_lost=_most(was, now),
        moved=_moved(was, now),
    )


def metrics_of(manifest: Manifest) -> dict[str, float]:
    """The figures of an evaluation under names that tell what may be compared: the k and how interactions were held out."""
    evaluation = Figures.of(manifest).evaluation
    if not isinstance(evaluation, Evaluation):
        return {}
    how = f"@{evaluation.k}, {evaluation.split}"
    model = {f"{name}{how}": figure for name, figure in evaluation.model.model_dump().items()}
    lists = {f"{name}{how}": figure for name, figure in (evaluation.beyond.model_dump() if evaluation.beyond else {}).items()}
    return {**model, **lists, f"popularity ndcg{how}": evaluation.popularity.ndcg}


def _sample(generations: Generations, manifest: Manifest, other: Manifest) -> Iterator[tuple[Fields, Fields]]:
    """Buckets of one generation, each with the lists that its users have in the other one."""
    redis, keys = generations.redis, generations.keys
    for _, (lists,) in read_buckets(redis, _buckets(manifest), partial(keys.recs, manifest.generation)):
        yield lists, dict(read_users(redis, keys, other.generation, other.n_user_buckets, lists))


def _buckets(manifest: Manifest) -> list[int]:
    wanted = -(-SAMPLE_USERS * manifest.n_user_buckets // max(1, manifest.n_users))
    return spread(manifest.n_user_buckets, wanted)


def _is_sampled(manifest: Manifest) -> bool:
    return len(_buckets(manifest)) < manifest.n_user_buckets


def _side(generations: Generations, manifest: Manifest, listings: Counter[Id], users_read: int) -> Side:
    progress = generations.progress(manifest.generation)
    head = listings.most_common(max(1, int(HEAD * manifest.n_items)))
    return Side(
        generation=manifest.generation,
        trained_at=manifest.trained_at,
        data_until=manifest.data_until,
        n_users=progress.n_users if progress else manifest.n_users,
        n_items=manifest.n_items,
        mean_listed=progress.mean_listed if progress else 0.0,
        users_read=users_read,
        items_listed=len(listings),
        head_share=sum(count for _, count in head) / max(1, listings.total()),
        metrics=metrics_of(manifest),
    )


def _most(listings: Counter[Id], others: Counter[Id]) -> Sequence[Id]:
    """The items that are listed most among those which the other side lists for nobody."""
    only = [(-count, str(item), item) for item, count in listings.items() if item not in others]
    return tuple(item for _, _, item in sorted(only, key=lambda entry: entry[:2])[:EXAMPLES])


def _moved(was: Counter[Id], now: Counter[Id]) -> float:
    n_was, n_now = max(1, was.total()), max(1, now.total())
    return sum(abs(was[item] / n_was - now[item] / n_now) for item in was.keys() | now.keys()) / 2
