"""Ids that were read as cp1252: whether they are in it for certain, and what else they can be."""

from __future__ import annotations

from pathlib import Path

import pytest

from contract.settings.source import SourceSettings
from tests.support.reading import load
from trainer.check.check import check
from trainer.rows.other_encodings import KEEPING, readings

GERMAN = ["Müller", "Özil", "Jörg", "Weiß", "Käthe"]
TEXTS: dict[str, list[str]] = {
    "cp1251": ["Иван", "Мария Петрова", "Ольга"],
    "koi8-r": ["Иван", "Мария Петрова", "Ольга"],
    "shift_jis": ["カタカナ", "東京", "田中さん", "Tシャツ"],
    "gbk": ["北京", "张伟", "李娜"],
    "euc-kr": ["서울", "김철수", "이영희"],
    "big5": ["台北", "陳小明"],
    "cp1250": ["Łukasz", "Wałęsa", "Świątek", "Żak"],
    "iso8859-2": ["Łukasz", "Wałęsa", "Świątek", "Żak"],
    "cp1253": ["Αθήνα", "Γιώργος"],
    "cp1255": ["שלום", "דוד"],
    "cp1256": ["محمد", "علي"],
}


def as_western(texts: list[str], encoding: str) -> list[str]:
    return [text.encode(encoding).decode("cp1252", KEEPING) for text in texts]


@pytest.mark.parametrize("encoding", TEXTS)
def test_texts_of_another_encoding_are_not_western_and_it_is_among_those_named(encoding: str) -> None:
    found = readings(as_western(TEXTS[encoding], encoding))
    assert found is not None
    assert not found.western
    assert dict(found.others)[encoding] == TEXTS[encoding][0]


@pytest.mark.parametrize("texts", [GERMAN, ["José", "Renée", "Éric", "François"], ["Tom’s café – été"]])
def test_letters_that_are_the_same_in_all_of_latin_are_certain(texts: list[str]) -> None:
    found = readings(as_western(texts, "cp1252"))
    assert found is not None
    assert found.certain


@pytest.mark.parametrize(("texts", "encoding"), [(["Dvořák", "Jiří"], "cp1250"), (["Erdős"], "cp1250"), (["Işık", "Yılmaz"], "cp1254")])
def test_what_two_encodings_explain_is_not_certain(texts: list[str], encoding: str) -> None:
    found = readings(as_western(texts, encoding))
    assert found is not None
    assert found.western
    assert dict(found.others)[encoding] == texts[0]


def test_ascii_and_integers_say_nothing() -> None:
    assert readings(["a", "b", 3]) is None


def written(folder: Path, users: list[str], encoding: str, title: str = "x") -> SourceSettings:
    path = folder / "t.csv"
    lines = [f"{user},{item},{title}\n" for n, user in enumerate(users * 20) for item in range(n % 7, n % 7 + 4)]
    path.write_bytes(("user,item,title\n" + "".join(lines)).encode(encoding))
    return SourceSettings(interactions=str(path))


def test_check_asks_for_the_encoding_of_ids(tmp_path: Path) -> None:
    report = check(written(tmp_path, [f"Иван{'абвгд'[n]}" for n in range(5)], "cp1251"), tmp_path)
    assert report.exit_code == 1
    assert report.verdict == "usable with doubts"
    (found,) = [finding for finding in report.findings if "UTF-8" in finding.what]
    assert found.what == "user ids are not UTF-8, and cp1252 is not the encoding that they can be in"
    assert found.advice.startswith("Say which with --encoding: 'Èâàíà' may be 'Ивана' in cp1251")


def test_an_encoding_that_is_said_and_columns_that_are_not_read_ask_nothing(tmp_path: Path) -> None:
    said = written(tmp_path, TEXTS["cp1251"], "cp1251").model_copy(update={"encoding": "cp1251"})
    titles = written(tmp_path, ["u1", "u2", "u3"], "cp1251", title="Война и мир")
    for source in (said, titles, written(tmp_path, GERMAN, "cp1252")):
        found = load(source.interactions, encoding=source.encoding)
        assert [doubt.what for doubt in found.doubts if "UTF-8" in doubt.what] == []
