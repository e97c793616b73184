"""What mkdocs is told so that the pages, written for forges, also make the site of `make docs-site` (a hook in mkdocs.yml).

Pages of the root join those of docs/. Links to them lead there; links to files of the repository that the site does not have become their
text. Lists are indented as Python-Markdown wants them. Files that no browser asks for are removed.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parent.parent
DOCS = "docs"
ROOT_PAGES = ("ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md", "GLOSSARY.md", "SECURITY.md")
INDEX = "index.md"
_LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\[\]]*\])*)\]\(([^)\s]+)\)")
_FENCE = re.compile(r" *(```|~~~)")
_MARKER = re.compile(r"( *)([-*]|\d+\.) +(?=\S)")
INDENT = 4


def on_files(files: Files, config: MkDocsConfig) -> Files:
    from mkdocs.structure.files import File

    for name in ROOT_PAGES:
        files.append(File.generated(config, name, content=(ROOT / name).read_text(encoding="utf-8")))
    return files


def on_page_markdown(markdown: str, page: Page, **_: object) -> str:
    return page_of(markdown, page.file.src_uri)


def on_post_build(config: MkDocsConfig) -> None:
    site = Path(config.site_dir)
    for path in [*site.rglob("*.map"), site / "404.html", *site.glob("sitemap.xml*")]:
        path.unlink(missing_ok=True)


def page_of(markdown: str, uri: str) -> str:
    """The page at `uri` of the site, as Python-Markdown wants it."""
    home = uri if uri in ROOT_PAGES else f"{DOCS}/{uri}"
    lines, in_code = [], False
    for line in markdown.splitlines():
        in_code ^= _FENCE.match(line) is not None
        lines.append(line if in_code else _LINK.sub(lambda found: _link(found, home, uri), line))
    return "\n".join(indented(lines)) + "\n"


def _link(found: re.Match[str], home: str, uri: str) -> str:
    """`home`: the page's path in the repository. Raises FileNotFoundError for what is not there."""
    mark, text, target = found.groups()
    path, _, anchor = target.partition("#")
    if not path or "://" in target:
        return found[0]
    place = posixpath.normpath(posixpath.join(posixpath.dirname(home), path))
    if not (ROOT / place).exists():
        raise FileNotFoundError(f"{home}: a link leads to {place}, which is not there")
    if place == "README.md":
        here = INDEX
    elif place in ROOT_PAGES:
        here = place
    elif place.startswith(f"{DOCS}/") and (ROOT / place).is_file():
        here = place.removeprefix(f"{DOCS}/")
    else:
        return str(text)
    relative = posixpath.relpath(here, posixpath.dirname(uri) or ".")
    return f"{mark}[{text}]({relative}{'#' + anchor if anchor else ''})"


def indented(lines: list[str]) -> list[str]:
    """What is inside a list, four spaces in, where CommonMark has as many as the marker is wide; and an empty line before a list."""
    made: list[str] = []
    insides: list[int] = []  # the columns at which the open lists' texts begin, outermost first
    in_code = False
    for line in lines:
        depth = len(line) - len(line.lstrip(" "))
        was_open = bool(insides)
        if line.strip() and not in_code:
            while insides and depth < insides[-1]:
                insides.pop()
        at = " " * (INDENT * len(insides))
        marker = None if in_code else _MARKER.match(line)
        if marker and not was_open and made and made[-1]:
            made.append("")
        made.append(at + line[insides[-1] if insides else 0 :] if line.strip() else "")
        in_code ^= _FENCE.match(line) is not None
        if marker:
            insides.append(marker.end())
    return made
