"""Wilson's interval against figures that others have published, and what the ranks alone would have made."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.formats.outcomes.report import Interval
from trainer.outcomes.intervals import rate_of, wilson


@pytest.mark.parametrize(
    ("n", "of", "low", "high"),
    # Newcombe, Statistics in Medicine 17 (1998), table I, method 3: the score interval without a correction for continuity.
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_published_figures(n: int, of: int, low: float, high: float) -> None:
    found = wilson(n, of)
    assert (found.value, round(found.low, 4), round(found.high, 4)) == (n / of, low, high)


@given(st.integers(1, 10**7).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of))))
def test_it_holds_the_share_and_is_symmetric(counts: tuple[int, int]) -> None:
    n, of = counts
    found, other = wilson(n, of), wilson(of - n, of)
    assert 0 <= found.low <= found.value <= found.high <= 1
    assert (found.low, found.high) == pytest.approx((1 - other.high, 1 - other.low), abs=1e-9)


def test_nothing_shown_says_nothing() -> None:
    assert wilson(0, 0) == Interval(value=0, low=0, high=1)


def test_the_correction_scales_the_interval() -> None:
    found = rate_of(20, 100, 10.0)
    assert found.corrected is not None
    assert (found.rate.value, found.corrected.value) == (0.2, 2.0)
    assert found.corrected.low == pytest.approx(found.rate.low * 10)
    assert rate_of(0, 100, 0.0).corrected is None
    assert rate_of(5, 100, None).corrected is None
