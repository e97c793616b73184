from __future__ import annotations

import os
from pathlib import Path

import pytest

from contract.errors import SettingsError
from contract.tenants.file import LOOK_S, TenantsFile, chosen, read_tenants

GOOD = """
[shop-a]
interactions = "/data/a.csv"
k = 7

# the second one
[shop-b]
namespace = "other"
artifacts = "file:///elsewhere"
api_read_keys_env = "B_KEYS"
"""
ENVIRON = {
    "LARDER_TENANTS": "x",
    "LARDER_TENANT": "shop-a",
    "LARDER_REDIS_URL": "redis://r:1/0",
    "B_KEYS": "k" * 20,
    "EMPTY": " ",
    "PATH": "/bin",
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "tenants.toml").write_text(GOOD)
    return tmp_path / "tenants.toml"


def test_a_tenant_is_the_environment_with_its_table_over_it(path: Path) -> None:
    a, b = read_tenants(path, ENVIRON).values()
    assert (a.name, a.settings.namespace, a.settings.k, a.settings.interactions) == ("shop-a", "shop-a", 7, "/data/a.csv")
    assert (b.settings.namespace, b.settings.artifacts, b.settings.api_read_keys.get_secret_value()) == (
        "other",
        "file:///elsewhere",
        "k" * 20,
    )
    assert a.settings.redis_url == b.settings.redis_url == "redis://r:1/0"
    assert a.environ["LARDER_K"] == "7"
    assert not {"LARDER_TENANT", "LARDER_TENANTS", "PATH"} & a.environ.keys()
    assert "k" * 20 not in repr(b)


def test_artifacts_are_a_place_of_each_tenants_own(path: Path) -> None:
    path.write_text("[a]\n[b]\n")
    for given, expected in (("file:///d/", "file:///d/a"), ("s3://bucket/p?cache=/c", "s3://bucket/p/a?cache=/c")):
        assert read_tenants(path, {**ENVIRON, "LARDER_ARTIFACTS": given})["a"].settings.artifacts == expected


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("[a]\n[Bad_Name]\n", 2, "expected a name of 1 to 48 of a-z, 0-9 and -"),
        ("[a]\n\n[b]\nnamespace = 'a'\n", 4, "the tenant a has the same namespace"),
        ("[a]\nartifacts='file:///x'\n[b]\nartifacts='file:///x/'\n", 4, "the tenant a has the same artifacts"),
        ("[a]\nartifacts='s3://b/x?cache=/c'\n[b]\nartifacts='s3://b/x/?cache=/d'\n", 4, "the tenant a has the same artifacts"),
        ("[a]\nartifacts='file:///x/y'\n[b]\nartifacts='file:///x/z/../%79'\n", 4, "the tenant a has the same artifacts"),
        ("[a]\nk = 5\ninteractionz = 'x'\n", 3, "interactionz is not a setting; the nearest is interactions"),
        ("[a]\nk = 'many'\n", 2, "k"),
        ("[a]\napi_read_keys_env = 'NOWHERE'\n", 2, "the environment has no variable NOWHERE"),
        ("[a]\napi_read_keys_env = 'hushhushhush1234'\n", 2, "the environment has no variable of this name"),
        ("[a]\napi_read_keys_env = 'EMPTY'\n", 2, "the variable EMPTY of the environment is empty"),
        ("[a]\napi_read_keys = 'hushhushhushhush'\n", 2, 'set api_read_keys_env = "VARIABLE"'),
        ("[a]\ninteractions = 'postgresql://u:hushhush@h/d?table=t'\n", 2, 'set interactions_env = "VARIABLE"'),
        ("[a]\nredis_url = 'redis://x'\n", 2, "redis_url is a setting of the whole process"),
        ("[a]\nk = {}\n", 2, "expected text, a number, true or false"),
        ("[a]\nb = \n", 2, "it is not TOML"),
        ("a = 1\n", 1, "expected a table for each tenant"),
        ("# nobody\n", 0, "it names no tenant"),
    ],
)
def test_what_is_wrong_is_told_with_line_and_name(path: Path, text: str, line: int, words: str) -> None:
    path.write_text(text)
    with pytest.raises(SettingsError) as caught:
        read_tenants(path, ENVIRON)
    said = str(caught.value)
    assert words.lower() in said.lower()
    assert f"line {line}" in said or not line
    assert "hush" not in said
    assert str(path) in said


def test_a_file_that_changes_is_read_again_and_a_broken_one_changes_nothing(path: Path) -> None:
    now = 100.0
    file = TenantsFile(str(path), ENVIRON, lambda: now)
    first = file.all()
    path.write_text(GOOD.replace("k = 7", "k = 70"))
    os.utime(path, ns=(1, 1))
    assert file.all() is first
    now += LOOK_S
    second = file.all()
    assert second["shop-a"].settings.k == 70
    assert second["shop-b"] is first["shop-b"]
    path.write_text("[shop-a")
    os.utime(path, ns=(2, 2))
    now += LOOK_S
    assert file.all() is second
    assert "not TOML" in file.problem
    path.unlink()
    now += LOOK_S
    assert file.all() is second
    assert "can't be read" in file.problem
    path.write_text("[c]\n")
    now += LOOK_S
    assert list(file.all()) == ["c"]
    assert file.problem == ""


def test_a_command_names_its_tenant(path: Path) -> None:
    environ = {**ENVIRON, "LARDER_TENANTS": str(path), "LARDER_TENANT": ""}
    with pytest.raises(SettingsError, match=r"which tenant.*shop-a, shop-b"):
        chosen(environ)
    with pytest.raises(SettingsError, match="'shop-c' is not a tenant"):
        chosen(environ, "shop-c")
    one = chosen({**environ, "LARDER_TENANT": "shop-b"})
    assert one is not None
    assert one.name == "shop-b"
    assert chosen({}) is None
    with pytest.raises(SettingsError, match="names no file"):
        chosen({}, "shop-a")
