"""Command-line options made from the settings, so that both have the same names, checks and prose."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import click
from pydantic.fields import FieldInfo

from contract.settings.settings import PREFIX, ModelSettings, SourceSettings, TuneSettings
from contract.settings.source import EVENTS


def settings_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds an option for every model and source setting; None where it is not given. Settings does the checking."""
    return _with_options(command, {**SourceSettings.model_fields, **ModelSettings.model_fields})


def tune_options(*names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The same, for these settings of the choice of a model."""
    return lambda command: _with_options(command, {name: TuneSettings.model_fields[name] for name in names})


def source_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The same, for source settings alone."""
    return _with_options(command, SourceSettings.model_fields)


def _with_options(command: Callable[..., Any], fields: Mapping[str, FieldInfo]) -> Callable[..., Any]:
    for name, field in reversed(list(fields.items())):
        flag = name.replace("_", "-")
        names = f"--{flag}/--no-{flag}" if field.annotation is bool else f"--{flag}"
        text = f"{field.description} Variable {PREFIX}{name.upper()}; default {field.default!r}."
        if name == "interactions":
            command = click.option(names, name, help=text, metavar="VALUE", multiple=True, callback=_joined)(command)
            continue
        command = click.option(names, name, default=None, help=text, metavar=None if field.annotation is bool else "VALUE")(command)
    return command


def _joined(_context: click.Context, _parameter: click.Parameter, given: tuple[str, ...]) -> str | None:
    """Several sources as one setting: one that is any, and the events behind it."""
    others = [value for value in given if value != EVENTS]
    if len(others) > 1:
        raise click.BadParameter(f"two sources are joined where one of them is {EVENTS}; a folder or a glob names several files")
    return ",".join([*others, *([EVENTS] if len(others) < len(given) else [])]) or None
