"""What one answer stands on: taken once a request and handed down, so that an answer can't mix two moments."""

from __future__ import annotations

from typing import NamedTuple

from api.lists.items_view import ItemsView
from contract.experiments.arms import Arms
from contract.formats.keys import Id
from contract.formats.manifest import Pointer


class View(NamedTuple):
    """The generation that lists are read from, the items as they were with it, and the arms of the experiment that runs.

    `arms`: None while no experiment runs, or where the request names a generation or an arm.
    """

    pointer: Pointer
    items: ItemsView
    arms: Arms | None = None

    def of_user(self, user: Id | None) -> View:
        """As it is served to a user; itself where nobody is named, and while no experiment runs."""
        if user is None or self.arms is None:
            return self
        return View(self.arms.of_user(user), self.items, self.arms)

    def of(self, pointer: Pointer) -> View:
        """Another generation, with the same items, whoever asks."""
        return View(pointer, self.items)

    @property
    def unavailable(self) -> frozenset[Id]:
        """Items that are in no answer, as the generation spells them."""
        return self.items.unavailable_of(self.pointer)

    @property
    def is_quick(self) -> bool:
        """Whether `unavailable` takes no time."""
        return self.items.spells(self.pointer)
