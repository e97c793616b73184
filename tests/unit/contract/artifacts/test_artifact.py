"""Artifacts: whole or absent, and what is damaged is named."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from contract.artifacts.artifact import Array, Artifact, damaged_arrays, folder_of, open_artifact
from contract.artifacts.artifact_writer import ArtifactWriter, id_arrays
from contract.errors import ArtifactError
from contract.formats.keys import Id
from tests.support.builders import make_manifest

INTS: list[Id] = [7, -3, 2**40, 0]
TEXTS: list[Id] = ["054", "", "žluťoučký", "a b"]


@pytest.fixture
def url(tmp_path: Path) -> str:
    return (tmp_path / "kept here").as_uri()


def written(url: str, arrays: dict[str, Array], generation: str = "g1") -> Path:
    writer = ArtifactWriter(url, generation)
    writer.put(arrays)
    writer.finish(make_manifest(generation))
    return folder_of(url) / generation


def test_arrays_come_back_mapped_and_read_only(url: str) -> None:
    arrays: dict[str, Array] = {
        "indptr": np.array([0, 2], np.int64),
        "similarity": np.arange(24, dtype=np.float32).reshape(2, 3, 4),
    }
    written(url, arrays)
    artifact = open_artifact(url, "g1")
    for name, values in arrays.items():
        np.testing.assert_array_equal(artifact[name], values)
        assert artifact[name].dtype == values.dtype
        assert isinstance(artifact[name], np.memmap)
        assert not artifact[name].flags.writeable
    assert damaged_arrays(url, artifact) == []


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="this system reserves no room")
def test_an_array_has_its_room_on_the_disk_before_it_is_filled(url: str) -> None:
    """Without it a full disk ends the process with a signal and no word."""
    writer = ArtifactWriter(url, "g1")
    array = writer.create("similarity", np.float64, (1 << 17,))
    (path,) = folder_of(url).glob(".g1.*.partial/similarity.npy")
    assert path.stat().st_blocks * 512 >= array.nbytes
    writer.discard()


def test_an_array_can_be_filled_in_place(url: str) -> None:
    writer = ArtifactWriter(url, "g1")
    array = writer.create("similarity", np.float32, (2, 3))
    assert not array.any()
    array[1, 2] = 4
    writer.finish(make_manifest())
    assert open_artifact(url, "g1")["similarity"].tolist() == [[0, 0, 0], [0, 0, 4]]


@pytest.mark.parametrize("ids", [INTS, TEXTS], ids=["int", "text"])
def test_ids_come_back_whole_and_in_slices(url: str, ids: Sequence[Id]) -> None:
    written(url, id_arrays("user_ids", ids))
    artifact = open_artifact(url, "g1")
    assert artifact.ids("user_ids") == ids
    for start in range(len(ids) + 1):
        for end in range(start, len(ids) + 1):
            assert artifact.ids("user_ids", start, end) == ids[start:end]


def test_strings_are_stored_as_bytes_and_ends() -> None:
    arrays = id_arrays("item_ids", ["é", "", "xy"])
    assert arrays["item_ids"].tobytes() == "éxy".encode()
    assert arrays["item_ids_ends"].tolist() == [2, 2, 4]


@pytest.mark.parametrize("shape", [(0,), (3, 0), (0, 4)])
def test_empty_arrays(url: str, shape: tuple[int, ...]) -> None:
    written(url, {"similarity_data": np.empty(shape, np.float32)})
    array = open_artifact(url, "g1")["similarity_data"]
    assert (array.shape, array.dtype.str) == (shape, "<f4")
    assert damaged_arrays(url, open_artifact(url, "g1")) == []


def test_nothing_has_the_final_name_before_finish_nor_after_discard(url: str) -> None:
    writer = ArtifactWriter(url, "g1")
    writer.put({"indptr": np.zeros(3)})
    assert not (folder_of(url) / "g1").exists()
    with pytest.raises(ArtifactError, match="there is no artifact"):
        open_artifact(url, "g1")
    writer.discard()
    assert list(folder_of(url).iterdir()) == []


def test_what_a_crashed_writer_left_does_not_reach_the_next_one(url: str) -> None:
    ArtifactWriter(url, "g1").put({"stale": np.zeros(3)})
    folder = written(url, {"indptr": np.zeros(2)})
    assert sorted(path.name for path in folder.iterdir()) == ["indptr.npy", "manifest.json"]
    assert [path.name for path in folder_of(url).iterdir()] == ["g1"]


def test_a_second_artifact_of_the_same_name_takes_the_place_of_the_first(url: str) -> None:
    written(url, {"first": np.zeros(2)})
    written(url, {"second": np.zeros(2)})
    assert list(open_artifact(url, "g1").arrays) == ["second"]


def edit_manifest(folder: Path, **fields: Any) -> None:
    path = folder / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))


def refusal(url: str) -> str:
    with pytest.raises(ArtifactError) as caught:
        open_artifact(url, "g1")
    return str(caught.value)


def test_a_truncated_file_is_named(url: str) -> None:
    folder = written(url, {"indptr": np.zeros(8), "indices": np.zeros(8)})
    path = folder / "indices.npy"
    path.write_bytes(path.read_bytes()[:-1])
    assert refusal(url) == f"{path} has 191 bytes in place of 192: it is truncated; train again"


def test_a_missing_file_is_named(url: str) -> None:
    folder = written(url, {"indptr": np.zeros(8)})
    (folder / "indptr.npy").unlink()
    assert str(folder / "indptr.npy") in refusal(url)


def test_a_file_that_is_no_array_is_named(url: str) -> None:
    path = written(url, {"indptr": np.zeros(8)}) / "indptr.npy"
    path.write_bytes(b"x" * path.stat().st_size)
    assert f"{path} can't be read" in refusal(url)


@pytest.mark.parametrize("other", [np.zeros(8, np.int64), np.zeros((2, 4))], ids=["dtype", "shape"])
def test_an_array_of_another_dtype_or_shape_is_named(url: str, other: Array) -> None:
    path = written(url, {"indptr": np.zeros(8)}) / "indptr.npy"
    np.save(path, other)
    message = refusal(url)
    assert str(path) in message
    assert f"holds {other.dtype.str} {other.shape} in place of <f8 (8,)" in message


def test_a_manifest_of_another_format_says_who_should_be_upgraded(url: str) -> None:
    edit_manifest(written(url, {}), format=99)
    message = refusal(url)
    assert "format 99" in message
    assert "upgrade the workers first" in message


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"format": "one"}'])
def test_a_broken_manifest_is_named(url: str, text: str) -> None:
    path = written(url, {}) / "manifest.json"
    path.write_text(text)
    assert f"{path} is not a manifest" in refusal(url)


def test_a_missing_artifact_asks_whether_the_folder_is_shared(url: str) -> None:
    assert "do trainer and worker share LARDER_ARTIFACTS?" in refusal(url)


def test_a_changed_byte_is_found_by_its_checksum(url: str) -> None:
    folder = written(url, {"indptr": np.zeros(8), "indices": np.zeros(8)})
    path = folder / "indptr.npy"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    artifact: Artifact = open_artifact(url, "g1")
    assert damaged_arrays(url, artifact) == ["indptr"]


@pytest.mark.parametrize("url", ["/var/lib", "ftp://host/x", "file://relative", "http://host/x", ""])
def test_only_absolute_file_urls_are_addresses(url: str) -> None:
    with pytest.raises(ArtifactError, match="file:///absolute/path"):
        folder_of(url)


def test_a_folder_with_a_space_is_unquoted() -> None:
    assert folder_of("file:///var/a%20b") == Path("/var/a b")


def test_a_folder_that_can_not_be_made_names_the_setting(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ArtifactError, match="LARDER_ARTIFACTS"):
        ArtifactWriter((tmp_path / "file" / "below").as_uri(), "g1")
