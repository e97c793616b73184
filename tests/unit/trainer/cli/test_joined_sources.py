"""`--interactions A --interactions events:` as one setting."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from contract.settings.absolute import absolute_options
from contract.settings.run_sources import refusal
from contract.settings.settings import Settings
from contract.settings.source import without_events
from trainer.cli.options import source_options


@click.command()
@source_options
def told(interactions: str | None, **_: object) -> None:
    click.echo(repr(interactions))


@pytest.mark.parametrize(
    ("given", "setting"),
    [
        ([], None),
        (["a.csv"], "a.csv"),
        (["events:"], "events:"),
        (["a.csv", "events:"], "a.csv,events:"),
        (["events:", "a,b.csv"], "a,b.csv,events:"),
    ],
)
def test_events_come_last(given: list[str], setting: str | None) -> None:
    arguments = [part for value in given for part in ("--interactions", value)]
    assert CliRunner().invoke(told, arguments).output == f"{setting!r}\n"
    assert without_events(setting or "") == (next((value for value in given if value != "events:"), ""), "events:" in given)


def test_two_others_are_refused() -> None:
    answer = CliRunner().invoke(told, ["--interactions", "a.csv", "--interactions", "b.csv"])
    assert answer.exit_code == 2
    assert "events:" in answer.output


def test_the_path_before_the_events_is_made_absolute() -> None:
    assert absolute_options({"interactions": "a.csv,events:"}, Path("/home/ann")) == {"interactions": "/home/ann/a.csv,events:"}
    assert absolute_options({"interactions": "events:"}, Path("/home/ann")) == {"interactions": "events:"}


def test_events_behind_a_source_need_the_right_to_read_that_source() -> None:
    settings = Settings(run_sources="/data/shops")
    assert refusal(settings, {"interactions": "/data/shops/a.csv,events:"}) == ""
    assert "run_sources" in refusal(settings, {"interactions": "/data/other.csv,events:"}).lower()
