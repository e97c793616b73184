from __future__ import annotations

import pytest

from trainer.inspect.measures import distribution, overlap_at, rank_biased_overlap


def extrapolated(agreements: list[float], p: float) -> float:
    """Lists of one length k, equation 30 of the paper: A(k) p^k + (1 - p) / p * sum of A(d) p^d, from agreements done by hand."""
    depths = range(1, len(agreements) + 1)
    return agreements[-1] * p ** len(agreements) + (1 - p) / p * sum(a * p**d for d, a in zip(depths, agreements, strict=True))


@pytest.mark.parametrize("p", [0.5, 0.9, 0.98])
def test_rank_biased_overlap_of_lists_of_one_length(p: float) -> None:
    # a b c d e against b a c f g: agreements 0/1, 2/2, 3/3, 3/4, 3/5
    assert rank_biased_overlap("abcde", "bacfg", p) == pytest.approx(extrapolated([0, 1, 1, 3 / 4, 3 / 5], p), rel=1e-12)
    # a b c d against c x a y: 0/1, 0/2, 2/3, 2/4
    assert rank_biased_overlap("abcd", "cxay", p) == pytest.approx(extrapolated([0, 0, 2 / 3, 1 / 2], p), rel=1e-12)


def test_rank_biased_overlap_of_lists_of_two_lengths() -> None:
    # a against a b, p = 0.5: s = 1, l = 2, X(1) = X(2) = 1.
    # (1 - p) / p = 1;  1/1 * 0.5 + 1/2 * 0.25 + 1 * (2 - 1) / (1 * 2) * 0.25 = 0.75;  plus (0 / 2 + 1 / 1) * 0.25: together 1
    assert rank_biased_overlap("a", "ab", 0.5) == pytest.approx(1.0, rel=1e-12)
    # b against a b, p = 0.5: X(1) = 0, X(2) = 1.  1/2 * 0.25 = 0.125;  plus (1 / 2 + 0) * 0.25 = 0.125: together 0.25
    assert rank_biased_overlap("b", "ab", 0.5) == pytest.approx(0.25, rel=1e-12)
    # a b against c b a d, p = 0.9, X = 0, 1, 2, 2.  Sum 1: 0 + .81/2 + .729 * 2/3 + .6561 / 2; sum 2: .729 / (2 * 3) + 2 * .6561 / (2 * 4)
    by_hand = (0.1 / 0.9) * (0.405 + 0.486 + 0.32805 + 0.1215 + 0.164025) + ((2 - 1) / 4 + 1 / 2) * 0.6561
    assert rank_biased_overlap("ab", "cbad", 0.9) == pytest.approx(by_hand, rel=1e-12)


def test_rank_biased_overlap_is_1_for_equal_lists_0_for_disjoint_ones_and_symmetric() -> None:
    assert rank_biased_overlap("abcdefghij", "abcdefghij") == pytest.approx(1.0, rel=1e-12)
    assert rank_biased_overlap("abc", "xyz") == 0.0
    assert rank_biased_overlap("abcdef", "caxy") == rank_biased_overlap("caxy", "abcdef")
    assert [rank_biased_overlap(*pair) for pair in (("", ""), ("", "a"), ("a", ""))] == [1.0, 0.0, 0.0]


def test_a_difference_at_the_top_weighs_more() -> None:
    assert rank_biased_overlap("xbcde", "abcde") < rank_biased_overlap("abcdx", "abcde")


def test_overlap_counts_the_first_k_whatever_their_order() -> None:
    assert overlap_at(3, [1, 2, 3, 4], [3, 2, 9, 4]) == pytest.approx(2 / 3)
    assert overlap_at(3, [1, 2], [2, 1]) == 1.0  # both end before
    assert overlap_at(3, [1], [1, 2]) == 0.5
    assert [overlap_at(3, [], []), overlap_at(3, [], [1])] == [1.0, 0.0]


def test_a_distribution_by_hand() -> None:
    found = distribution([0.0, 0.5, 1.0, 1.0, 1.0])
    assert (found.n, found.mean, found.median, found.p90) == (5, 0.7, 1.0, 1.0)
    assert found.p10 == pytest.approx(0.2)
    assert found.bins == (1, 0, 0, 0, 0, 1, 0, 0, 0, 3)
    with pytest.raises(ValueError, match="nothing"):
        distribution([])


def test_each_overlap_of_ten_items_has_its_own_tenth() -> None:
    assert distribution([shared / 10 for shared in range(11)]).bins == (1, 1, 1, 1, 1, 1, 1, 1, 1, 2)
