"""`larder check`: a report with figures, pictures, problems and advice, and an exit code that says what it comes to."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner, Result

from contract.errors import DataError
from contract.settings.settings import SourceSettings
from tests.support.reading import HEADER
from trainer.check.advice import advice_for
from trainer.check.check import check as look
from trainer.cli.check import check
from trainer.interactions import id_types
from trainer.interactions.schema import validate
from trainer.rows import row_filter
from trainer.sources.text import broken_csv, json_lines
from trainer.sources.values import convert as values


def run(*arguments: str) -> Result:
    result = CliRunner().invoke(check, arguments, env={"COLUMNS": "120"})
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    path = tmp_path / "events.csv"
    path.write_text(HEADER + "".join(f"{n % 61},{n % 53},{1 + n % 5},{1_600_000_000 + n * 86_400}\n" for n in range(1000)))
    return path


def test_a_good_file(csv: Path) -> None:
    result = run(str(csv))
    assert result.exit_code == 0
    words = " ".join(result.output.split())
    for fact in (
        f"{csv}: usable",
        "rows 1,000",
        "users 61, such as",
        "items 53, such as",
        "repeated pairs none",
        "density 30.931% of all pairs",
        "times 2020-09-13 12:26:40 to 2023-06-09 12:26:40 UTC",
        "note: the user column is 'userID'",
        "Activity: users by number of interactions",
        "16 to 31 61",
        "Popularity: items by number",
        "Interactions by weight",
        "Interactions by time",
    ):
        assert fact in words
    assert "█" in result.output


def test_the_tables_of_items_and_users_are_read_as_a_run_would(csv: Path, tmp_path: Path) -> None:
    items, users = tmp_path / "items.csv", tmp_path / "users.csv"
    items.write_text("id,title,available\n1,One,true\n2,Two,false\n99,Nine,true\n")
    users.write_text("user_id,country\n1,DE\n2,FR\n3,DE\n")
    result = run(str(csv), "--items", str(items), "--users", str(users))
    words = " ".join(result.output.split())
    assert result.exit_code == 0
    assert "table of items 3 items; 2 of the 53 items of the interactions are named; 1 are not available" in words
    assert "table of users 2 segments; 3 of the 61 users have one" in words


@pytest.mark.parametrize(
    ("rows", "code", "said"),
    [
        ("1,One\n" * 30 + ",Nobody\n", 1, "items.csv: no id"),
        (
            "1,One\n2,Two\n1,Won\n",
            1,
            "items.csv: 1 items stand on rows that differ, and the last row counts (item '1', lines 2 and 4: title 'One' and",
        ),
        ("1,One\n2,Two\n1,One\n", 0, "1 items stand on several rows that are the same"),
        ("x,One\ny,Two\n", 2, "none of the 2 ids of"),
        ('1,One\n2,"Two\n', 2, "a quotation mark that is never closed"),
        ("", 2, "names no item"),
    ],
    ids=["a row without an id", "rows that differ", "a row twice", "other ids", "a broken row", "empty"],
)
def test_what_is_wrong_with_the_table_of_items_is_said(csv: Path, tmp_path: Path, rows: str, code: int, said: str) -> None:
    items = tmp_path / "items.csv"
    items.write_text("id,title\n" + rows)
    result = run(str(csv), "--items", str(items))
    assert result.exit_code == code, result.output
    assert said in " ".join(result.output.split())


def test_users_with_two_segments_are_a_doubt(csv: Path, tmp_path: Path) -> None:
    users = tmp_path / "users.csv"
    users.write_text("user_id,country\n1,DE\n2,FR\n1,SE\n")
    result = run(str(csv), "--users", str(users))
    assert result.exit_code == 1, result.output
    assert "users.csv: 1 users stand on rows that differ, and the last row counts (lines 2 and 4: segment 'DE' and 'SE')" in " ".join(
        result.output.split()
    )


def test_pairs_are_counted_once_wherever_their_rows_stand(tmp_path: Path) -> None:
    path = tmp_path / "events.csv"
    path.write_text(
        HEADER + "".join(f"{user},{item},1,1600000000\n" for user, item in [(1, 2), (2, 1), (1, 2), (2, 2), (1, 1), (2, 1), (1, 2)])
    )
    words = " ".join(run(str(path)).output.split())
    assert "repeated pairs 3 interactions" in words
    assert "density 100.000% of all pairs" in words


def test_losses_are_named_with_lines_values_and_advice(csv: Path) -> None:
    with csv.open("a") as file:
        file.write("1,2,many,1600000000\n,2,3,1600000000\n")
    result = run(str(csv))
    assert result.exit_code == 1
    assert "usable with losses" in result.output
    assert "problem: 1 rows: a weight that is no number\n    line 1,002: rating 'many'\n    Correct them." in result.output
    assert "problem: 1 rows: missing value\n    line 1,003: userID ''" in result.output


def test_what_can_not_be_used_is_said_in_one_sentence(csv: Path) -> None:
    csv.write_text("a,b\n1,2\n")
    result = run(str(csv))
    assert result.exit_code == 2
    assert f"{csv}: unusable" in result.output
    assert "no column has a known name of users" in result.output
    assert run(str(csv), "--user-column", "a", "--item-column", "b").exit_code == 0


def test_too_many_broken_rows_are_unusable_and_still_shown(csv: Path) -> None:
    csv.write_text(HEADER + "1,2,x,4\n" * 10 + "1,2,3,4\n")
    result = run(str(csv))
    assert result.exit_code == 2
    assert "10 of 11 rows are broken" in result.output
    assert "line 2: rating 'x'" in result.output


def test_remarks_are_no_losses(csv: Path) -> None:
    csv.write_text(HEADER + "".join(f"{n},2,3,{n + 1_700_000_000}\n" for n in range(1, 90)))
    result = run(str(csv))
    assert result.exit_code == 0
    assert "only 1 items" in result.output
    assert "every user has one interaction" in result.output


@pytest.mark.parametrize(("time", "code"), [("{}", 1), ("1992-03-07", 0)])
def test_seconds_that_end_before_1995_may_count_from_2001(csv: Path, time: str, code: int) -> None:
    csv.write_text(HEADER + "".join(f"{n % 30},{n % 7},3,{time.format(n + 700_000_000)}\n" for n in range(1, 90)))
    result = run(str(csv))
    assert result.exit_code == code
    assert ("the latest time is of 1992-03-07" in result.output) == bool(code)
    assert ("--time-unit apple counts from 2001" in result.output) == bool(code)


@pytest.mark.parametrize(
    ("rows", "doubt"),
    [
        ([f"{n % 60},{n % 55},3,{n}" for n in range(200)], "all times are in 1970"),
        ([f"u{n % 60},{n % 55},3,1600000000" for n in range(200)] + ["userID,7,3,1600000000"], "'userID' is an id of the user column"),
    ],
)
def test_what_looks_wrong_is_no_clean_bill(csv: Path, rows: list[str], doubt: str) -> None:
    csv.write_text(HEADER + "".join(f"{row}\n" for row in rows))
    result = run(str(csv))
    assert result.exit_code == 1
    assert f"{csv}: usable with doubts" in result.output
    assert f"problem: {doubt}" in result.output


@pytest.mark.parametrize("twin", ["u1\0", "U1", "u1\u200b", "\uff551", "\u0455o1"])
def test_an_id_that_looks_like_another_is_counted(csv: Path, twin: str) -> None:
    csv.write_text("user,item\n" + "".join(f"{user},{n % 55}\n" for n in range(60) for user in ("u1", "so1", twin)), encoding="utf-8")
    assert "2 users differ only in case" in " ".join(run(str(csv)).output.split())


def test_ids_that_look_alike_are_counted_and_named(csv: Path) -> None:
    users = ["Jos\u00e9", "Jose\u0301", "ana", "ana\u00a0", "ana\u200b", "ANA", "bob", "nan"]
    csv.write_text("user,item\n" + "".join(f"{user},{n % 55}\n" for n in range(60) for user in users), encoding="utf-8")
    result = run(str(csv), "--missing", "-")
    words = " ".join(result.output.split())
    assert result.exit_code == 0
    assert "users 8, such as" in words
    assert "problem: 6 users differ only in case, spaces, Unicode form, invisible characters" in words
    assert r"'ANA', 'ana', 'ana\xa0', 'ana\u200b'" in words
    assert r"'Jose\u0301', 'Jos\xe9'" in words
    assert "users are called 'nan'" in words


def test_ids_in_codes_of_pages_and_addresses_are_shown_beside_their_twins(csv: Path) -> None:
    items = ["AT&T", "AT&amp;T", "a b", "a%20b", "100%", "R&D;"]
    csv.write_text("user,item\n" + "".join(f"{n},{item}\n" for n in range(60) for item in [*items, *(f"p{n}" for n in range(150))]))
    result = run(str(csv), "--item-id-type", "text")
    words = " ".join(result.output.split())
    assert result.exit_code == 0
    assert "problem: 4 items differ only in" in words
    assert "'AT&T', 'AT&amp;T'; 'a b', 'a%20b'" in words


def test_rows_that_all_stand_as_often_are_pointed_out(csv: Path) -> None:
    rows = [f"{n % 60},{n * n % 53},{1 + n % 5}\n" for n in range(55)]
    for lines, said in ((rows, False), (rows * 3, True), (rows * 3 + rows[:1], False)):
        csv.write_text("user,item,rating\n" + "".join(lines))
        result = run(str(csv))
        assert result.exit_code == 0
        assert ("problem: every row stands 3 times" in " ".join(result.output.split())) == said


def test_names_again_and_empty_lines_are_no_losses(csv: Path) -> None:
    with csv.open("a") as file:
        file.write("\n" + HEADER + "\n")
    result = run(str(csv))
    assert result.exit_code == 0
    assert "the names of columns again" in result.output
    assert "line 1,003: userID 'userID'" in result.output


def test_what_the_settings_ask_for_is_no_loss(csv: Path) -> None:
    result = run(str(csv), "--min-item-interactions", "19")
    assert result.exit_code == 0
    assert "item with too few interactions" in result.output


def test_the_html_report_stands_alone(csv: Path, tmp_path: Path) -> None:
    with csv.open("a") as file:
        file.write("1,2,<script>,1600000000\n")
    page = tmp_path / "report.html"
    result = run(str(csv), "--html", str(page))
    assert result.exit_code == 1
    text = page.read_text()
    assert text.count("<svg") == 4
    assert "&lt;script&gt;" in text
    assert "<script" not in text
    assert not [word for word in ("src=", "href=", "url(", "@import") if word in text]
    assert "line 1,002" in text


def test_the_built_in_set() -> None:
    report = look(SourceSettings(), Path("no cache"))
    assert (report.verdict, report.exit_code) == ("usable", 0)
    assert dict(report.facts)["rows"] == "100,004"


def test_every_reason_to_drop_a_row_has_advice() -> None:
    reasons = [
        getattr(module, name)
        for module in (values, row_filter, broken_csv, json_lines)
        for name in dir(module)
        if name.isupper() and name[0] != "_"
    ]
    assert all(advice_for(reason) for reason in [*reasons, id_types.ODD_ID] if isinstance(reason, str))


@pytest.mark.parametrize(
    "wrong",
    [
        {"weight": [-1e16, 1.0]},
        {"weight": [float("nan"), 1.0]},
        {"user": [None, 2]},
        {"time": [2**62, 1]},
        {"more": [1, 2]},
        {"item": None},
    ],
    ids=str,
)
def test_the_schema_lets_nothing_else_pass(wrong: dict[str, list[float] | None]) -> None:
    good = {"user": [1, 2], "item": ["a", "b"], "weight": [1.0, 2.0], "time": [5, 6]}
    assert validate(pl.DataFrame(good), "a test").height == 2
    columns = {name: values for name, values in (good | wrong).items() if values is not None}
    with pytest.raises(DataError, match=r"^a test: "):
        validate(pl.DataFrame(columns), "a test")


def test_rows_of_each_type_where_one_is_the_target(csv: Path) -> None:
    csv.write_text(
        "user,item,event,at\n" + "".join(f"{n % 31},{n % 17},{'buy' if n % 4 == 0 else 'view'},{1_600_000_000 + n}\n" for n in range(400))
    )
    words = " ".join(run(str(csv), "--target", "buy").output.split())
    assert "types view 300, buy 100" in words
    assert "target buy, of 31 users and 17 items" in words
    assert "types" not in " ".join(run(str(csv)).output.split()).split("note:")[0]
    assert run(str(csv), "--target", "bought").exit_code == 2
