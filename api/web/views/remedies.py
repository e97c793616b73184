"""What can be done about an alarm from the page itself: links to where it is seen closer, and to what asks before it changes anything."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from api.web.views.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Remedy:
    """`is_change`: for who has an admin key alone."""

    text: str
    path: str
    is_change: bool = True


def remedies(slug: str, seen: Snapshot) -> list[Remedy]:
    """The one to look at first comes first."""
    made = quote(seen.scoring.generation if seen.scoring else seen.run.run if seen.run else "")
    served = quote(seen.pointer.generation) if seen.pointer else ""
    before = quote(seen.pointer.previous) if seen.pointer else ""
    retrain = Remedy("Retrain…", "/change/retrain")
    if slug == "run-failed":
        return [Remedy("See the run and its log", f"/history/{made}", is_change=False), Remedy("Retry…", "/change/retrain")]
    if slug in ("refused", "review"):
        promote = Remedy("Promote anyway…" if slug == "refused" else "Promote…", f"/change/promote?generation={made}")
        compare = Remedy("Compare with what is served", f"/compare?a={served}&b={made}", is_change=False)
        return [compare, promote] if served else [promote]
    if slug == "held":
        return [Remedy("Release…", "/change/release")]
    if slug == "worse-than-popularity" and before:
        return [
            Remedy("Compare with the one before", f"/compare?a={before}&b={served}", is_change=False),
            Remedy("Roll back…", "/change/rollback"),
        ]
    if slug in ("stale", "worse-than-popularity"):
        return [retrain]
    if slug == "nothing-promoted" and not seen.is_busy:
        return [retrain]
    return []
