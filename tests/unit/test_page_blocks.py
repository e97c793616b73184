"""How pages of the manual are taken apart and run."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.manual.page_blocks import assert_seen, blocks_of, run_page

PAGE = """
```sh
export LARDER_K=5
echo "one two"
```

```text
one…
```

```console
$ false
```

1. In a list:

   ```sh
   echo "k=$LARDER_K at localhost:5000"
   ```

   ```text
   k=5 at localhost:
   ```

```json
{}
```

```text
Never printed.
```
"""


def test_blocks_of_the_shell_and_what_is_seen_after_them() -> None:
    first, second = blocks_of(PAGE)
    assert (first.code, first.seen) == ('export LARDER_K=5\necho "one two"\n', ("one…",))
    assert (second.code, second.seen) == ('echo "k=$LARDER_K at localhost:5000"\n', ("k=5 at localhost:",))


def test_a_page_runs_with_what_its_blocks_export(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    page = tmp_path / "page.md"
    page.write_text(PAGE)
    run_page(page, folder, {"PATH": os.environ["PATH"]}, 1234)
    page.write_text("```sh\necho localhost:5000\n```\n```text\nlocalhost:1234\n```\n")
    run_page(page, folder, {"PATH": os.environ["PATH"]}, 1234)


def test_a_block_that_fails_or_shows_something_else_fails_the_page(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    for text in ("```sh\nfalse\ntrue\n```", "```sh\necho one\n```\n```text\ntwo\n```"):
        page.write_text(text + "\n")
        with pytest.raises(AssertionError, match=r"page\.md"):
            run_page(page, tmp_path, {"PATH": os.environ["PATH"]}, 1)


def test_lines_are_seen_in_their_order() -> None:
    assert_seen(("a…d", "e  f"), "x a b c d\n e f", "")
    with pytest.raises(AssertionError):
        assert_seen(("e", "a"), "a\ne", "")
