"""Files packed by gzip and zstd: whole ones are read, whatever they are put together of; one that was cut off is refused."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from tests.support.reading import HEADER, refusal, rows

PARTS = [(HEADER if not part else "").encode() + "".join(f"{n},{part},1,{n}\n" for n in range(1, 5000)).encode() for part in range(3)]
PACK: dict[str, Callable[[bytes], bytes]] = {"gz": gzip.compress, "zst": zstandard.compress}
SKIPPABLE = b"\x50\x2a\x4d\x18\x04\x00\x00\x00abcd"


@pytest.mark.parametrize("packing", PACK)
@pytest.mark.parametrize("named", [True, False], ids=["with suffix", "without"])
def test_several_frames_are_one_file(tmp_path: Path, packing: str, named: bool) -> None:
    path = tmp_path / (f"events.csv.{packing}" if named else "events")
    pack = PACK[packing]
    path.write_bytes(pack(PARTS[0]) + pack(b"") + pack(PARTS[1]) + pack(PARTS[2]) + pack(b""))
    assert len(rows(path)) == 3 * 4999


def test_frames_that_hold_no_data_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "events.csv.zst"
    path.write_bytes(zstandard.compress(PARTS[0]) + SKIPPABLE + zstandard.compress(PARTS[1]) + SKIPPABLE)
    assert len(rows(path)) == 2 * 4999


@pytest.mark.parametrize("packing", PACK)
@pytest.mark.parametrize("n_frames", [1, 3])
@pytest.mark.parametrize("cut", [1, 3, 200, 0.1, 0.5, 0.9])
def test_a_file_that_was_cut_off_is_refused(tmp_path: Path, packing: str, n_frames: int, cut: float) -> None:
    """`cut`: bytes that are lacking, or the part of the last frame that is left."""
    path = tmp_path / f"events.csv.{packing}"
    frames = [PACK[packing](part) for part in PARTS[:n_frames]]
    left = frames[-1][: -int(cut)] if cut >= 1 else frames[-1][: int(cut * len(frames[-1]))]
    path.write_bytes(b"".join(frames[:-1]) + left)
    assert "can't be unpacked or read" in refusal(path)


@pytest.mark.parametrize("packing", PACK)
def test_bytes_behind_the_last_frame_are_refused(tmp_path: Path, packing: str) -> None:
    path = tmp_path / f"events.csv.{packing}"
    path.write_bytes(PACK[packing](PARTS[0]) + b"1,2,3,4\n")
    assert "can't be unpacked or read" in refusal(path)


def test_json_lines_in_a_packing_that_calls_itself_csv(tmp_path: Path) -> None:
    path = tmp_path / "x.csv.gz"
    path.write_bytes(gzip.compress(b'{"user": 1, "item": 2}\n{"user": 2, "item": 3}\n'))
    assert "holds JSON lines and not CSV; give the file a name that ends in .jsonl" in refusal(path)
