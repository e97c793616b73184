"""Changes in the table of a diff."""

from __future__ import annotations

import pytest

from trainer.cli.show.diff_table import difference, gained_and_lost


def test_a_change_is_that_of_what_is_shown() -> None:
    """6.16 and 8.34 are shown as 6.2 and 8.3: 2.18 between them would be shown as 2.2."""
    assert difference(6.16, 8.34, 1) == "+2.1"
    assert difference(0.14052, 0.14051, 4) == "0.0000"
    assert difference(7, 5, 0) == "-2"


@pytest.mark.parametrize(("gained", "lost", "text"), [(0, 0, "none"), (3, 0, "+3"), (0, 1200, "−1,200"), (3, 4, "+3 −4")])
def test_gained_and_lost(gained: int, lost: int, text: str) -> None:
    assert gained_and_lost(gained, lost) == text
