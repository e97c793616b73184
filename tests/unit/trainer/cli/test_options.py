"""Options of the command line: one for every model and source setting, with its own words."""

from __future__ import annotations

import click
import pytest

from contract.settings.settings import ModelSettings, Settings, SourceSettings
from trainer.__main__ import cli
from trainer.cli.options import settings_options

FIELDS = {**SourceSettings.model_fields, **ModelSettings.model_fields}


def options_of(command: str) -> dict[str, click.Option]:
    return {str(option.name): option for option in cli.commands[command].params if isinstance(option, click.Option)}


@pytest.mark.parametrize("command", ["run", "plan"])
@pytest.mark.parametrize("field", FIELDS)
def test_every_setting_is_an_option_with_its_description(command: str, field: str) -> None:
    option = options_of(command)[field]
    assert option.opts == [f"--{field.replace('_', '-')}"]
    assert option.help is not None
    assert option.help.startswith(str(FIELDS[field].description))
    assert f"LARDER_{field.upper()}" in option.help
    assert repr(FIELDS[field].default) in option.help


def test_switches_can_be_turned_on_and_off() -> None:
    switches = {name for name, field in FIELDS.items() if field.annotation is bool}
    assert switches == {"normalize", "exclude_seen", "header", "baskets", "wide", "incremental", "full"}
    options = options_of("run")
    for name in switches:
        assert options[name].is_flag
        assert options[name].secondary_opts == [f"--no-{name.replace('_', '-')}"]


def given(*arguments: str) -> dict[str, object]:
    seen: dict[str, object] = {}

    @click.command()
    @settings_options
    def command(**options: object) -> None:
        seen.update(options)

    command.main(list(arguments), standalone_mode=False)
    return {name: value for name, value in seen.items() if value is not None}


def test_what_is_not_given_is_none() -> None:
    assert given() == {}


def test_what_is_given_makes_settings() -> None:
    options = given("--k", "5", "--no-normalize", "--similarity", "mutual information", "--separator", "\\t", "--weight-column", "")
    settings = Settings.from_environ({}, **options)
    assert (settings.k, settings.normalize, settings.similarity) == (5, False, "mutual information")
    assert (settings.separator, settings.weight_column, settings.exclude_seen) == ("\t", "", True)


def test_only_settings_of_a_run_are_options() -> None:
    """Where things are belongs to the environment: the trainer service would not see an option."""
    elsewhere = set(Settings.model_fields) - set(FIELDS) - {"retune", "tune_budget_s"}
    assert not elsewhere & set(options_of("run"))
    assert "redis_url" in elsewhere
