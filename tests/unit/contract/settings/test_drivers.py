"""Drivers that are installed where they are asked for: each has a lock, and whoever lacks one is told the command."""

from __future__ import annotations

import tomllib

import pytest

from contract.errors import SettingsError
from contract.settings.drivers import DRIVERS, Driver, driver_of, how_to_install, password_variable
from contract.settings.settings import Settings
from tests.support.paths import ROOT

EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]


@pytest.mark.parametrize("name", DRIVERS)
def test_every_driver_has_an_extra_and_a_lock_that_holds_it(name: str) -> None:
    lock = (ROOT / "requirements" / f"driver-{name}.txt").read_text()
    for wanted in EXTRAS[name]:
        package = wanted.partition(">=")[0].partition("[")[0]
        assert f"\n{package}==" in f"\n{lock}"


@pytest.mark.parametrize("name", DRIVERS)
def test_a_driver_shares_versions_with_the_trainer(name: str) -> None:
    """It is installed beside the trainer, so what both need is of one version."""

    def pins(lock: str) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for line in (ROOT / "requirements" / lock).read_text().splitlines():
            if "==" in line and line[0].isalnum():
                package, _, version = line.partition("==")
                found.setdefault(package, set()).add(version.split()[0])
        return found

    trainer, driver = pins("trainer.txt"), pins(f"driver-{name}.txt")
    assert {package: versions for package, versions in driver.items() if package in trainer and not versions <= trainer[package]} == {}


def test_no_driver_is_installed_with_the_trainer() -> None:
    lock = (ROOT / "requirements" / "trainer.txt").read_text()
    for name in DRIVERS:
        assert f"\n{EXTRAS[name][0].partition('>=')[0].partition('[')[0]}==" not in lock


def test_what_is_missing_is_named_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("no_such_module", "no_such_package.inside"):
        monkeypatch.setitem(DRIVERS, "oracle", Driver(module, {"oracle": "oracle"}))
        assert "`make up LARDER_DRIVERS=oracle` installs it" in how_to_install("oracle")
    monkeypatch.setitem(DRIVERS, "oracle", Driver("json", {}))
    assert how_to_install("oracle") == ""


def test_schemes_and_where_their_passwords_come_from() -> None:
    assert {scheme: driver_of(scheme) for scheme in ("mysql", "mariadb", "sqlserver", "postgresql")} == {
        "mysql": "mysql",
        "mariadb": "mysql",
        "sqlserver": "sqlserver",
        "postgresql": "",
    }
    assert [password_variable(scheme) for scheme in ("mysql+pymysql", "postgresql", "bigquery")] == [
        "MYSQL_PWD",
        "PGPASSWORD",
        "PGPASSWORD",
    ]


def test_a_driver_that_is_not_known_is_refused() -> None:
    assert Settings.from_environ({"LARDER_DRIVERS": "mysql, duckdb"}).drivers == "mysql, duckdb"
    with pytest.raises(SettingsError, match="'mysq' is not one of delta, iceberg, mysql"):
        Settings.from_environ({"LARDER_DRIVERS": "mysq"})
