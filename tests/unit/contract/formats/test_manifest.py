"""Manifest and pointer: what readers are promised."""

from __future__ import annotations

import json

import pytest
from pydantic import ValidationError

from contract.formats import payload
from contract.formats.manifest import FORMAT, READABLE_FORMATS, ArraySpec, Manifest, Pointer
from tests.support.builders import make_manifest


def test_the_pointer_carries_what_a_reader_needs() -> None:
    pointer = make_manifest("g7", k=4, depth=9, n_users=5, n_items=6, n_user_buckets=3, n_item_buckets=2, item_id_type="str").pointer()
    assert pointer == Pointer(
        generation="g7",
        n_user_buckets=3,
        n_item_buckets=2,
        user_id_type="int",
        item_id_type="str",
        payload_format=payload.FORMAT,
        items_revision="g7",
        n_users=5,
        n_items=6,
        k=4,
        depth=9,
        trained_at="2026-01-02T03:04:05Z",
        data_until="2026-01-01T00:00:00Z",
        sequence=0,
        previous="",
    )


def test_the_pointer_says_how_deep_lists_are_stored() -> None:
    assert make_manifest(k=7, depth=0).pointer().depth == 21


def test_a_pointer_of_a_later_version_is_read() -> None:
    pointer = make_manifest(data_until=None).pointer()
    raw = {**json.loads(pointer.model_dump_json()), "experiment": "b", "shape": {"a": 1}}
    assert Pointer.model_validate_json(json.dumps(raw)) == pointer


def test_a_pointer_without_what_readers_need_is_no_pointer() -> None:
    raw = json.loads(make_manifest().pointer().model_dump_json())
    del raw["n_user_buckets"]
    with pytest.raises(ValidationError, match="n_user_buckets"):
        Pointer.model_validate(raw)


def test_a_manifest_comes_back_from_json() -> None:
    spec = ArraySpec(dtype="<f4", shape=(2, 3), n_bytes=152, crc32=7)
    manifest = make_manifest().with_arrays({"affinity": spec})
    assert Manifest.model_validate_json(manifest.model_dump_json()) == manifest
    assert manifest.arrays["affinity"].shape == (2, 3)


def test_what_this_version_writes_it_can_read() -> None:
    assert FORMAT in READABLE_FORMATS
    assert payload.FORMAT in payload.READABLE_FORMATS
