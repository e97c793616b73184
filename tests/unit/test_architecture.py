"""ARCHITECTURE.md and docs/adr/README.md against the folders that they describe."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from tests.support.paths import ROOT

HOUSES = ("api", "bench", "contract", "engine", "stack", "tests", "tools", "trainer", "worker")
TEXT = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
ROOM = re.compile(r"^- `([a-z0-9_/]+)/`: (.*?)(?=^- |^$)", re.MULTILINE | re.DOTALL)
MOST_MODULES, MOST_LINES = 16, 200  # of a folder, of a module
DOOR = re.compile(r"`([\w/]+\.(?:py|lua))`(?:, `(\w+)`)?")
ROOMS = dict(ROOM.findall(TEXT))


def folders() -> set[str]:
    """Every folder of modules; of tests/unit, which mirrors the others, only the first."""
    found = {
        path.parent.relative_to(ROOT).as_posix()
        for house in HOUSES
        for path in (ROOT / house).rglob("*.py")
        if path.name != "__init__.py" or path.stat().st_size
    }
    return {name for name in found if not name.startswith("tests/unit/")}


def test_every_room_is_named_and_every_name_is_a_room() -> None:
    assert set(ROOMS) == folders()


@pytest.mark.parametrize("room", sorted(ROOMS))
def test_the_door_of_a_room_is_there(room: str) -> None:
    doors = DOOR.findall(ROOMS[room].partition("Begin reading at")[2])
    assert doors, "no `module.py` follows 'Begin reading at'"
    for module, name in doors:
        text = (ROOT / room / module).read_text(encoding="utf-8")
        assert not name or re.search(rf"^ *(?:def|class) {name}\b", text, re.MULTILINE), f"{module} defines no {name}"


def test_the_floors_are_those_that_imports_are_held_to() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    floors = [contract for contract in project["tool"]["importlinter"]["contracts"] if contract["type"] == "layers"]
    assert len(floors) == 6
    for contract in floors:
        for container in contract.get("containers", [""]):
            line = (f"{container}: " if container else "") + " > ".join(contract["layers"])
            assert f"\n{line}\n" in TEXT


def test_unit_tests_mirror_the_rooms() -> None:
    unit = ROOT / "tests" / "unit"
    mirrored = {path.parent.relative_to(unit) for path in unit.rglob("test_*.py")}
    assert [str(room) for room in sorted(mirrored) if not (ROOT / room).is_dir()] == []


def test_rooms_and_modules_keep_their_size() -> None:
    modules = [path for house in HOUSES for path in (ROOT / house).rglob("*.py") if path.name != "__init__.py"]
    by_room: dict[str, int] = {}
    for path in modules:
        by_room[path.parent.relative_to(ROOT).as_posix()] = by_room.get(path.parent.relative_to(ROOT).as_posix(), 0) + 1
    assert {room: n for room, n in by_room.items() if n > MOST_MODULES} == {}
    lengths = {path.relative_to(ROOT).as_posix(): len(path.read_text(encoding="utf-8").splitlines()) for path in modules}
    assert {name: n for name, n in lengths.items() if n > MOST_LINES and not name.startswith("tests/")} == {}


def test_every_module_that_is_named_in_the_text_exists() -> None:
    named = re.findall(r"`((?:api|bench|contract|engine|stack|tests|tools|trainer|worker)/[\w/]+\.\w+)`", TEXT)
    assert named
    assert [name for name in named if not (ROOT / name).is_file()] == []


def test_every_decision_is_listed_by_its_title() -> None:
    folder = ROOT / "docs" / "adr"
    numbers = [path.name[:4] for path in folder.glob("0*.md")]
    assert len(set(numbers)) == len(numbers), "two decisions have one number"
    listed = dict(
        re.findall(r"^\| \[\d{4}\]\(([\w-]+\.md)\) \| (.*) \|$", (folder / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    )
    assert listed == {path.name: title_of(path) for path in folder.glob("0*.md")}


def title_of(path: Path) -> str:
    number, _, title = path.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ").partition(". ")
    assert path.name.startswith(f"{number}-"), f"{path.name} is titled {number}"
    return title
