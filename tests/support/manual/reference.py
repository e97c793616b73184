"""A page of the reference as one looks things up in it: sections by their headings, rows of tables by what stands at their head."""

from __future__ import annotations

import re

from tests.support.paths import ROOT


class Reference:
    def __init__(self, page: str) -> None:
        parts = re.split(r"^(#+ .+)$", (ROOT / page).read_text(encoding="utf-8"), flags=re.MULTILINE)
        self._sections = {heading.lstrip("# "): text for heading, text in zip(parts[1::2], parts[2::2], strict=True)}

    @property
    def headings(self) -> list[str]:
        return list(self._sections)

    def heads(self, heading: str = "") -> set[str]:
        """What is in backticks in the first cells of the tables of a section, or of all."""
        texts = [self._sections[heading]] if heading else self._sections.values()
        cells = [cell for text in texts for cell in re.findall(r"^\| ((?:[^|`]|`[^`]*`)+) \|", text, re.MULTILINE)]
        return {name for cell in cells for name in re.findall(r"`([^`]+)`", cell)}
