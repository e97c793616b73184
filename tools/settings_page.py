"""docs/settings.md, made from the settings themselves: `python -m tools.settings_page > docs/settings.md`."""

from __future__ import annotations

import sys
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from contract.settings.notices import NoticeSettings, TelemetrySettings
from contract.settings.settings import (
    PREFIX,
    ApiSettings,
    CleaningSettings,
    EventSettings,
    GateSettings,
    ModelSettings,
    Settings,
    SourceSettings,
    TuneSettings,
)

HEAD = """# Settings

Made from `contract/settings/` by `make docs`.

Every setting is an environment variable, which configures every part alike. Those of the first three groups are also options of
`larder run` and `plan` (`--user-column` for `LARDER_USER_COLUMN`), those of cleaning and of the source also of `check`.
A variable that begins with `LARDER_` and is none of these is an error that names the nearest; what Kubernetes sets for a Service of such a
name is ignored.

Defaults are those of containers. `make up` has others where you give none: `LARDER_API_HOST` is 127.0.0.1, `LARDER_PROCESSES` the number
of cores, `LARDER_REDIS_URL` and `LARDER_ARTIFACTS` lie in `var/`, and `LARDER_ERASURE_SECRET` is made once and kept there.
`LARDER_MANUAL` is the folder `site` of the checkout, where `make docs-site` has made it.
"""
GROUPS: tuple[tuple[str, type[BaseModel]], ...] = (
    ("The model", ModelSettings),
    ("Cleaning", CleaningSettings),
    ("The source", SourceSettings),
    ("The choice of a model", TuneSettings),
    ("The gate", GateSettings),
    ("The API", ApiSettings),
    ("Events", EventSettings),
    ("Notices", NoticeSettings),
    ("Logs and traces", TelemetrySettings),
    ("Everything else", Settings),
)


def page() -> str:
    told: set[str] = set()
    parts = [HEAD]
    for title, group in GROUPS:
        fields = {name: field for name, field in group.model_fields.items() if name not in told}
        told |= set(fields)
        rows = "\n".join(_row(name, field) for name, field in fields.items())
        parts.append(f"## {title}\n\n| variable | default | meaning |\n|---|---|---|\n{rows}\n")
    return "\n".join(parts)


def _row(name: str, field: FieldInfo) -> str:
    default = field.default if isinstance(field.default, (str, int, float)) else ""
    shown = f"`{str(default).lower() if isinstance(default, bool) else default}`" if default != "" else "empty"
    text = str(field.description) + "".join(f" {part}" for part in _choices(field.annotation))
    return f"| `{PREFIX}{name.upper()}` | {_plain(shown)} | {_plain(text)} |"


def _choices(annotation: Any) -> list[str]:
    if get_origin(annotation) is Literal:
        return [f"One of {', '.join(f'`{choice}`' for choice in get_args(annotation))}."]
    if get_origin(annotation) in (Union, UnionType):
        return [text for part in get_args(annotation) for text in _choices(part)]
    return []


def _plain(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write(page())
