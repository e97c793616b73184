"""The manual below /manual: the files of its folder, of known types, and nothing else of the machine."""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from api.app import create_app
from api.lists.store import Store
from api.web.pages.manual import TYPES, inside
from contract.errors import SettingsError
from contract.settings.settings import Settings

PAGE = b"<!doctype html><script>let a = 1</script><script src=a.js></script><p>A page</p>"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    site = tmp_path / "site"
    for name, content in {
        "index.html": PAGE,
        "adr/index.html": b"Decisions",
        "assets/a.js": b"1",
        ".hidden": b"s",
        "secret.txt": b"s",
    }.items():
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_bytes(content)
    (tmp_path / "outside.html").write_text("outside")
    (site / "leads-out.html").symlink_to(tmp_path / "outside.html")
    return site


@pytest.fixture
def manual(folder: Path, store: Store) -> FlaskClient:
    return create_app(Settings(manual=str(folder)), store).test_client()


def test_pages_and_files_with_their_types(manual: FlaskClient) -> None:
    for path, content, kind in (
        ("/manual/", PAGE, "text/html; charset=utf-8"),
        ("/manual/index.html", PAGE, "text/html; charset=utf-8"),
        ("/manual/adr/index.html", b"Decisions", "text/html; charset=utf-8"),
        ("/manual/assets/a.js", b"1", "text/javascript; charset=utf-8"),
    ):
        answer = manual.get(path)
        assert (answer.status_code, answer.data, answer.headers["Content-Type"]) == (200, content, kind), path
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert manual.get(path, headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304


def test_a_page_runs_its_own_scripts_and_no_others(manual: FlaskClient) -> None:
    policy = manual.get("/manual/").headers["Content-Security-Policy"]
    assert re.findall(r"'sha256-([^']+)'", policy) == [b64encode(sha256(b"let a = 1").digest()).decode()]
    assert "default-src 'none'" in policy
    assert "unsafe-inline" not in policy.partition("script-src")[2].partition(";")[0]
    assert "http" not in policy


@pytest.mark.parametrize(
    "path",
    [
        *("../outside.html", "..%2foutside.html", "%2e%2e/outside.html", "adr/../../outside.html", "/etc/hostname", "leads-out.html"),
        *(".hidden", "secret.txt", "nothing.html", "a%00.html", "a" * 5000 + ".html", "..\\outside.html", "%252e%252e/outside.html"),
    ],
)
def test_nothing_else_is_served(manual: FlaskClient, path: str) -> None:
    answer = manual.get(f"/manual/{path}", follow_redirects=True)
    assert answer.status_code == 404
    assert b"outside" not in answer.data.replace(b"outside.html", b"")


def test_no_path_leads_out(folder: Path) -> None:
    assert inside(folder, "index.html") == folder / "index.html"
    assert inside(folder, "adr") == folder / "adr" / "index.html"
    for path in ("../outside.html", str(folder.parent / "outside.html"), "leads-out.html", "x\0.html", "..", ""):
        found = inside(folder, path)
        assert found is None or (path == "" and found == folder / "index.html"), path


def test_a_folder_that_is_gone_says_how_it_is_made(tmp_path: Path, store: Store) -> None:
    client = create_app(Settings(manual=str(tmp_path / "none")), store).test_client()
    answer = client.get("/manual/")
    assert answer.status_code == 404
    assert "make docs-site" in answer.text


def test_without_the_setting_there_is_no_such_path(client: FlaskClient) -> None:
    assert client.get("/manual/").status_code == 404
    assert client.get("/manual/").headers["Content-Type"].startswith("application/problem+json")
    assert "/manual/" not in client.get("/runbook").text


def test_pages_lead_to_it_also_below_a_path(folder: Path, store: Store) -> None:
    client = create_app(Settings(manual=str(folder), api_root_path="/shop"), store).test_client()
    assert '<a href="/shop/manual/">Manual</a>' in client.get("/shop/runbook").text
    assert client.get("/shop/manual").headers["Location"] == "/shop/manual/"
    assert client.get("/shop/manual/").data == client.get("/manual/").data == PAGE
    with pytest.raises(SettingsError, match="/manual is a path of the API's own"):
        create_app(Settings(manual=str(folder), api_root_path="/manual"), store)


def test_every_kind_of_file_of_the_site_is_known() -> None:
    assert {".html", ".css", ".js", ".json", ".svg", ".png", ".ipynb"} == set(TYPES)
