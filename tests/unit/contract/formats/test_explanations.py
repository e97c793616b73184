"""Explanations: known bytes, and a decoder that answers damage with PayloadError only."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.errors import PayloadError
from contract.formats import explanations

untimed = settings(deadline=None, derandomize=True, database=None)
shares = st.floats(0, 1e6, width=32)
kinds = st.sampled_from([st.integers(-(2**31), 2**31 - 1), st.integers(-(2**63), 2**63 - 1), st.text(max_size=20)])


@st.composite
def per_items(draw: st.DrawFn) -> list[list[tuple[Any, float]]]:
    """Contributors of up to 30 listed items out of a few, so that they recur."""
    pool = draw(st.lists(draw(kinds), min_size=1, max_size=12, unique=True))
    contributors = st.lists(st.tuples(st.sampled_from(pool), shares), max_size=5, unique_by=lambda pair: pair[0])
    return draw(st.lists(contributors, max_size=30))


@untimed
@given(per_items())
def test_contributors_come_back_as_they_were(per_item: list[list[tuple[Any, float]]]) -> None:
    decoded = explanations.decode(explanations.encode(per_item))
    assert decoded == per_item
    assert [type(each) for pairs in decoded for each, _ in pairs] == [type(each) for pairs in per_item for each, _ in pairs]


def test_bytes_of_int32_contributors() -> None:
    """Three listed items: one made by 7 and -2, one by nothing, one by -2 again."""
    expected = "01 01 0300 02000000" + "02 00 01" + "00 01 01" + "0000403f 0000803e 0000803f" + "07000000 feffffff"
    assert explanations.encode([[(7, 0.75), (-2, 0.25)], [], [(-2, 1.0)]]) == bytes.fromhex(expected)


def test_bytes_of_int64_contributors() -> None:
    expected = "01 02 0100 01000000" + "01" + "00" + "0000803f" + "0000008000000000"
    assert explanations.encode([[(2**31, 1.0)]]) == bytes.fromhex(expected)


def test_bytes_of_text_contributors() -> None:
    expected = bytes.fromhex("01 03 0100 02000000" + "02" + "00 01" + "0000003f 0000003f" + "0200 0300") + "é054".encode()
    assert explanations.encode([[("é", 0.5), ("054", 0.5)]]) == expected


def test_bytes_of_an_empty_list() -> None:
    assert explanations.encode([]) == bytes.fromhex("01 01 0000 00000000")
    assert explanations.decode(bytes.fromhex("01 01 0000 00000000")) == []


def test_a_listed_item_may_have_no_contributors() -> None:
    assert explanations.decode(explanations.encode([[], []])) == [[], []]


@pytest.mark.parametrize(("n_distinct", "width"), [(255, 1), (256, 2), (65_535, 2), (65_536, 4)])
def test_positions_are_as_wide_as_they_must_be(n_distinct: int, width: int) -> None:
    contributors = [(item, 0.5) for item in range(n_distinct)]
    explanation = explanations.encode([contributors, contributors[-1:]])
    assert len(explanation) == 8 + 2 * width + (n_distinct + 1) * (width + 4) + 4 * n_distinct
    assert explanations.decode(explanation) == [contributors, contributors[-1:]]


def test_three_contributors_of_thirty_items() -> None:
    """What the format's description says of its size; 20 seen items made the list."""
    assert len(explanations.encode([[((at + step) % 20, 0.25) for step in range(3)] for at in range(30)])) == 488 + 4 * 20


@untimed
@given(st.lists(st.floats(1e-30, 1), min_size=1, max_size=50))
def test_a_share_is_off_by_less_than_a_ten_millionth_of_itself(given_shares: list[float]) -> None:
    ((*decoded,),) = explanations.decode(explanations.encode([list(enumerate(given_shares))]))
    for share, (_, stored) in zip(given_shares, decoded, strict=True):
        assert stored == struct.unpack("<f", struct.pack("<f", share))[0]
        assert abs(stored - share) <= 6e-8 * share


@untimed
@given(per_items(), st.data())
def test_an_explanation_cut_short_or_drawn_out_is_damaged(per_item: list[list[tuple[Any, float]]], data: st.DataObject) -> None:
    whole = explanations.encode(per_item)
    cut = data.draw(st.integers(0, len(whole) - 1))
    for broken in (whole[:cut], whole + b"\0"):
        with pytest.raises(PayloadError):
            explanations.decode(broken)


@untimed
@given(per_items(), st.data())
def test_a_flipped_byte_is_another_explanation_or_damaged(per_item: list[list[tuple[Any, float]]], data: st.DataObject) -> None:
    broken = bytearray(explanations.encode(per_item))
    broken[data.draw(st.integers(0, len(broken) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        decoded = explanations.decode(bytes(broken))
    except PayloadError:
        return
    assert all(len(pair) == 2 for pairs in decoded for pair in pairs)


@untimed
@given(st.binary(max_size=80))
def test_any_bytes_are_an_explanation_or_a_payload_error(junk: bytes) -> None:
    for head in (b"", b"\x01\x01", b"\x01\x02", b"\x01\x03"):
        try:
            explanations.decode(head + junk)
        except PayloadError:
            continue


def test_a_position_without_an_id_is_damaged() -> None:
    with pytest.raises(PayloadError, match="damaged"):
        explanations.decode(bytes.fromhex("01 01 0100 01000000" + "01" + "01" + "0000803f" + "07000000"))


def test_text_that_is_not_utf8_is_damaged() -> None:
    with pytest.raises(PayloadError, match="damaged"):
        explanations.decode(bytes.fromhex("01 03 0100 01000000" + "01" + "00" + "0000803f" + "0100 ff"))


@pytest.mark.parametrize("form", [0, 5, 255])
def test_another_format_is_named(form: int) -> None:
    with pytest.raises(PayloadError, match=f"format {form};.*upgrade the readers first"):
        explanations.decode(bytes([form, 1, 0, 0, 0, 0, 0, 0]))


def test_another_kind_is_named() -> None:
    with pytest.raises(PayloadError, match="kind 9"):
        explanations.decode(bytes([explanations.FORMAT, 9, 0, 0, 0, 0, 0, 0]))


def test_boosts_stand_beside_contributors_in_a_format_of_their_own() -> None:
    per_item: list[list[tuple[int | str, float]]] = [[(7, 0.5), (8, 0.25)], [], [(8, 1.0)]]
    plain, boosted = explanations.encode(per_item), explanations.encode(per_item, [1.0, 0.5, 1.25])
    assert (plain[0], boosted[0], len(boosted) - len(plain)) == (1, 2, 12)
    assert explanations.decode(boosted) == explanations.decode(plain) == per_item
    assert explanations.decode_boosts(boosted) == (1.0, 0.5, 1.25)
    assert explanations.decode_boosts(plain) == ()
    for cut in range(len(boosted)):
        with pytest.raises(PayloadError):
            explanations.decode(boosted[:cut])


@pytest.mark.parametrize(("boosts", "form"), [([], 3), ([1.0, 0.5, 1.25], 4)])
def test_shares_of_a_prior_stand_before_the_counts(boosts: list[float], form: int) -> None:
    per_item = [[(7, 0.75), (-2, -0.25)], [], [(-2, 0.5)]]
    explanation = explanations.encode(per_item, boosts, [0.5, 1.0, 0.25])
    assert explanation[0] == form
    assert explanations.decode(explanation) == per_item
    assert explanations.decode_boosts(explanation) == tuple(boosts)
    assert explanations.decode_priors(explanation) == (0.5, 1.0, 0.25)
    assert explanations.decode_priors(explanations.encode(per_item, boosts)) == ()
    for cut in range(len(explanation)):
        with pytest.raises(PayloadError):
            explanations.decode(explanation[:cut])
