"""List payloads: known bytes, and a decoder that answers damage with PayloadError only."""

from __future__ import annotations

import struct
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.errors import PayloadError
from contract.formats import payload

floats32 = st.floats(width=32, allow_nan=False)
kinds = st.one_of(
    st.lists(st.integers(-(2**31), 2**31 - 1), max_size=40),
    st.lists(st.integers(-(2**63), 2**63 - 1), max_size=40),
    st.lists(st.text(max_size=20), max_size=40),
)


@st.composite
def lists(draw: st.DrawFn) -> tuple[list[int] | list[str], list[float]]:
    ids = draw(kinds)
    return ids, draw(st.lists(floats32, min_size=len(ids), max_size=len(ids)))


@given(lists())
def test_a_list_comes_back_as_it_was(entries: tuple[Sequence[int | str], list[float]]) -> None:
    ids, scores = entries
    decoded_ids, decoded_scores = payload.decode(payload.encode(ids, scores))
    assert list(decoded_ids) == list(ids)
    assert list(decoded_scores) == scores
    assert [type(value) for value in decoded_ids] == [type(value) for value in ids]


def test_bytes_of_a_list_of_int32() -> None:
    expected = bytes.fromhex("01 01 0200" + "0000c03f 000000bf" + "01000000 feffffff")
    assert payload.encode([1, -2], [1.5, -0.5]) == expected


def test_bytes_of_a_list_of_int64() -> None:
    expected = bytes.fromhex("01 02 0200" + "0000803f 0000003f" + "0000008000000000 0100000000000000")
    assert payload.encode([2**31, 1], [1.0, 0.5]) == expected


def test_bytes_of_a_list_of_text() -> None:
    expected = bytes.fromhex("01 03 0200" + "0000803f 0000003f" + "0200 0300") + "é054".encode()
    assert payload.encode(["é", "054"], [1.0, 0.5]) == expected


def test_bytes_of_an_empty_list() -> None:
    assert payload.encode([], []) == bytes.fromhex("01 01 0000")


def test_ten_numeric_ids_take_84_bytes() -> None:
    assert len(payload.encode(range(10), [0.0] * 10)) == 84


@pytest.mark.parametrize(
    ("ids", "kind"),
    [([-(2**31), 2**31 - 1], payload.INT32), ([2**31], payload.INT64), ([-(2**31) - 1], payload.INT64), (["1"], payload.TEXT)],
)
def test_the_narrowest_kind_is_taken(ids: list[int | str], kind: int) -> None:
    assert payload.kind_of(ids) == kind


def test_scores_are_rounded_to_float32() -> None:
    assert payload.decode(payload.encode([1], [0.1]))[1] == struct.unpack("<f", struct.pack("<f", 0.1))


@given(lists(), st.data())
def test_a_payload_cut_short_or_drawn_out_is_damaged(entries: tuple[Sequence[int | str], list[float]], data: st.DataObject) -> None:
    whole = payload.encode(*entries)
    cut = data.draw(st.integers(0, len(whole) - 1))
    for broken in (whole[:cut], whole + b"\0"):
        with pytest.raises(PayloadError):
            payload.decode(broken)


@given(lists(), st.data())
def test_a_flipped_byte_is_another_list_or_damaged(entries: tuple[Sequence[int | str], list[float]], data: st.DataObject) -> None:
    broken = bytearray(payload.encode(*entries))
    broken[data.draw(st.integers(0, len(broken) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        ids, scores = payload.decode(bytes(broken))
    except PayloadError:
        return
    assert len(ids) == len(scores)


@given(st.binary(max_size=80))
def test_any_bytes_are_a_list_or_a_payload_error(junk: bytes) -> None:
    for head in (b"", b"\x01\x01", b"\x01\x02", b"\x01\x03"):
        try:
            payload.decode(head + junk)
        except PayloadError:
            continue


def test_text_that_is_not_utf8_is_damaged() -> None:
    with pytest.raises(PayloadError, match="damaged"):
        payload.decode(bytes.fromhex("01 03 0100 0000803f 0100 ff"))


@given(lists(), st.data())
def test_marks_come_back_beside_the_same_list(entries: tuple[Sequence[int | str], list[float]], data: st.DataObject) -> None:
    ids, scores = entries
    places = data.draw(st.sets(st.integers(0, len(ids) - 1)) if ids else st.just(set[int]()))
    raw = payload.encode(ids, scores, sorted(places))
    assert payload.marked_places(raw) == sorted(places)
    assert raw[0] == (payload.MARKED if places else payload.FORMAT)
    most = data.draw(st.integers(0, len(ids) + 1))
    for found, expected in zip(payload.decode(raw, most), (ids, scores), strict=True):
        assert list(found) == list(expected[:most])
    assert [list(part) for part in payload.decode(raw)] == [list(ids), scores]


def test_bytes_of_a_list_with_a_mark() -> None:
    expected = bytes.fromhex("02 01 0200" + "0000c03f 000000bf" + "02" + "01000000 feffffff")
    assert payload.encode([1, -2], [1.5, -0.5], [1]) == expected


@given(st.binary(max_size=80))
def test_any_bytes_behind_marks_are_a_list_or_a_payload_error(junk: bytes) -> None:
    for head in (b"\x02", b"\x02\x01", b"\x02\x02", b"\x02\x03"):
        try:
            ids, _ = payload.decode(head + junk)
        except PayloadError:
            continue
        assert all(place < len(ids) for place in payload.marked_places(head + junk))


@pytest.mark.parametrize("form", [0, 3, 255])
def test_another_format_is_named(form: int) -> None:
    with pytest.raises(PayloadError, match=f"format {form};.*upgrade the readers first"):
        payload.decode(bytes([form, 1, 0, 0]))


def test_another_kind_is_named() -> None:
    with pytest.raises(PayloadError, match="kind 9"):
        payload.decode(bytes([payload.FORMAT, 9, 0, 0]))


@given(lists(), st.data())
def test_the_first_items_alone_are_those_of_the_whole_list(entries: tuple[Sequence[int | str], list[float]], data: st.DataObject) -> None:
    raw = payload.encode(*entries)
    most = data.draw(st.integers(0, len(entries[0]) + 1))
    ids, scores = payload.decode(raw)
    first_ids, first_scores = payload.decode(raw, most)
    assert (list(first_ids), list(first_scores)) == (list(ids[:most]), list(scores[:most]))
    for damaged in (raw[:-1], raw + b"\0"):
        with pytest.raises(PayloadError):
            payload.decode(damaged, most)
