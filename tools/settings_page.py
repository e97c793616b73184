"""docs/settings.md, made from the settings themselves: `python -m tools.settings_page > docs/settings.md`."""

from __future__ import annotations

import sys
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from contract.settings.engines.spark import SparkSettings
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
from contract.settings.stores.feeds import FeedSettings

HEAD = """# Settings

Made from `contract/settings/` by `make docs`.

Every setting is an environment variable, and every service reads the same ones. Settings of the first three groups are also options of
`larder run` and `plan`: `--user-column` is `LARDER_USER_COLUMN`. Settings of cleaning and of the source are options of `check` as well.
An unknown variable that begins with `LARDER_` is an error, which names the nearest known one. Variables that Kubernetes sets for a Service
of such a name are ignored.

The defaults below are those of containers. `make up` uses others where you set nothing: `LARDER_API_HOST` is 127.0.0.1,
`LARDER_PROCESSES` is the number of cores, and `LARDER_REDIS_URL` and `LARDER_ARTIFACTS` lie in `var/`. `make up` makes
`LARDER_ERASURE_SECRET` once and keeps it there.
`LARDER_MANUAL` is the folder `site` of the checkout, if `make docs-site` has made it.
"""
GROUPS: tuple[tuple[str, type[BaseModel]], ...] = (
    ("The model", ModelSettings),
    ("Cleaning", CleaningSettings),
    ("The source", SourceSettings),
    ("The choice of a model", TuneSettings),
    ("The gate", GateSettings),
    ("The API", ApiSettings),
    ("Events", EventSettings),
    ("Events from streams of your own", FeedSettings),
    ("Logs and traces", TelemetrySettings),
    ("Notices", NoticeSettings),
    ("The engine spark", SparkSettings),
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
    choices = [f"`{choice}`" for choice in _choices(field.annotation) if choice]
    text = str(field.description) + (f" One of {', '.join(choices)}." if choices else "")
    return f"| `{PREFIX}{name.upper()}` | {_plain(shown)} | {_plain(text)} |"


def _choices(annotation: Any) -> list[str]:
    if get_origin(annotation) is Literal:
        return [str(choice) for choice in get_args(annotation)]
    if get_origin(annotation) in (Union, UnionType):
        return [choice for part in get_args(annotation) for choice in _choices(part)]
    return []


def _plain(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write(page())
