"""The id of a generation, as an argument of a command."""

from __future__ import annotations

import click

from contract.formats.ids import is_generation_id
from contract.settings.command_hints import as_called

SHOWN = 80


class GenerationId(click.ParamType[str]):
    """Text that may be such an id; whether there is such a generation is for the command to see."""

    name = "generation"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not is_generation_id(value):
            self.fail(f"{value[:SHOWN]!r} is no id of a generation: `{as_called('generations')}` lists them", param, ctx)
        return value


GENERATION_ID = GenerationId()
