"""Blocks of code of a page of the manual, run as they stand.

A block `sh` is run. A block `text` after it is what people see: its lines stand in the output, in their order; `…` stands for anything.
Blocks of all other kinds (`bash`, `console`, `json`, `python`, ...) are for reading alone.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
# Pages that are run on one stack, in this order, by tests/integration/cli/test_manual_pages.py; and those that a test runs alone.
TASKS = (
    *("commands", "traces", "roll-back", "tune", "managed-redis", "backup", "upgrade", "items-and-rules"),
    *("schedule", "behind-a-proxy", "keys", "move-hosts"),
)
ALONE = ("tutorial", "tutorial-2", "your-data", "events")
PORT = "localhost:5000"  # of the pages, where a test has one of its own


@dataclass(frozen=True, slots=True)
class Block:
    """`seen`: lines that its output has."""

    code: str
    seen: tuple[str, ...] = ()


def blocks_of(text: str) -> list[Block]:
    """The blocks of a page that are run, in their order."""
    blocks: list[Block] = []
    before = ""
    for found in FENCE.finditer(text):
        indent, kind = found[1], found[2]
        code = re.sub(rf"^{indent}", "", found[3], flags=re.MULTILINE)
        if kind == "sh":
            blocks.append(Block(code))
        elif kind == "text" and before == "sh":
            blocks[-1] = Block(blocks[-1].code, tuple(line for line in code.splitlines() if line.strip()))
        before = kind
    return blocks


def run_page(page: Path, folder: Path, environ: Mapping[str, str], port: int, *, after: str = "") -> None:
    """Run all of `page` in one shell after another, which share what they export, from `folder`.

    `after`: the page before it, whose shell goes on.
    """
    exported = folder.parent / f"{page.stem}.exported"
    exported.write_text((folder.parent / f"{after}.exported").read_text() if after else "")
    for block in blocks_of(page.read_text(encoding="utf-8")):
        code = block.code.replace(PORT, f"localhost:{port}")
        script = (
            f"set -a; . '{exported}'; set +a\nset -euo pipefail\n{code}\nexport -p | grep '^declare -x LARDER_' > '{exported}' || true\n"
        )
        both, pipe = subprocess.STDOUT, subprocess.PIPE  # in the order in which people see it
        result = subprocess.run(["bash", "-c", script], cwd=folder, env=environ, stdout=pipe, stderr=both, text=True, check=False)
        assert result.returncode == 0, f"{page.name}:\n{block.code}\n{result.stdout}"
        assert_seen(block.seen, result.stdout, f"{page.name}:\n{block.code}")


def assert_seen(lines: tuple[str, ...], output: str, what: str) -> None:
    at = 0
    for line in lines:
        pattern = ".*?".join(re.escape(part) for part in " ".join(line.split()).split("…"))
        found = re.compile(pattern).search(" ".join(output.split()), at)
        assert found, f"{what}\nsays that one sees {line!r}, and there is, from there on:\n{output}"
        at = found.end()
