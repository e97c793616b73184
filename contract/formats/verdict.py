"""What the gate says of a generation when it is begun: the promote script holds it to that, without any trainer."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Compared(BaseModel):
    """A figure that a rule of the gate looked at. `bound`: the least that passes, or the most where `is_most`; chance is in it.

    `limit`: the setting that bounds it. `old`: that of what was served then, or of popularity alone; None: the bound does not depend on it.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    limit: str
    old: float | None
    new: float
    bound: float
    is_most: bool = False

    @property
    def passed(self) -> bool:
        return self.new <= self.bound if self.is_most else self.new >= self.bound


class Verdict(BaseModel):
    """`because` is one sentence that names the limit and both figures, when `passed` is false."""

    model_config = ConfigDict(frozen=True)

    passed: bool = True
    because: str = ""
    doubt: str = ""
    """Why nothing can be said of it: then it waits, complete, for a person to promote it."""
    warnings: tuple[str, ...] = ()
    compared: tuple[Compared, ...] = ()
    """All figures that have a limit, those that passed among them; none of an older version."""
    against: str = ""
    """The generation that was current then."""
    min_listed: float = 0.0
    """Items in a list on average, at the least: compared with the shards' counters at promotion."""
    review: bool = False
    """Wait, complete, for a person to promote it."""
    forced_by: str = ""
    """Promote it whatever the gate says, and record that this one asked for it."""
    leader: str = ""
    """The generation with which it is promoted, as an arm's of the experiment; "": it is promoted by itself."""
    experiment: str = ""
    """The experiment for whose arms its run has made generations, too; "": for none."""
    company: dict[str, str] = {}
    """Of each arm that is a model: its generation, which is promoted in the same step as this one. It may be this one."""
