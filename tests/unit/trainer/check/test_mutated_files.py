"""Files that something has happened to: each gives a report, or one clear sentence; never a trace, never a hang."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contract.errors import SettingsError
from contract.settings.settings import Settings
from tests.support.depth import deeper, examples
from trainer.check.check import check
from trainer.check.html import page

pytestmark = [deeper, pytest.mark.long]
EXAMPLES = examples(60, 420)  # of each of the five kinds


def _table() -> pl.DataFrame:
    n = range(40)
    return pl.DataFrame(
        {
            "userID": [f"u{at % 9}" for at in n],
            "itemID": [at % 7 for at in n],
            "rating": [1.5 + at % 4 for at in n],
            "timestamp": [f"2020-01-{1 + at % 28:02} 10:00:00" for at in n],
        }
    )


def _parquet() -> bytes:
    buffer = io.BytesIO()
    _table().write_parquet(buffer)
    return buffer.getvalue()


SEEDS = {
    "csv": _table().write_csv().encode(),
    "quoted.csv": _table().write_csv(quote_style="always", separator=";").encode(),
    "jsonl": _table().write_ndjson().encode(),
    "parquet": _parquet(),
    "csv.gz": gzip.compress(_table().write_csv().encode(), mtime=0),
}
PIECES = [
    b"",
    b"\n",
    b"\r",
    b'"',
    b'""',
    b",",
    b";",
    b"::",
    b"\t",
    b"\0",
    b"\xff",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"NA",
    b"-1",
    b"1e999",
    b"{",
    b"}",
]
PIECES += [
    b"9" * 400,
    b"nan",
    "é🙂".encode(),
    b"user",
    b"date",
    b"[1]",
    b"PAR1",
    b"\x1f\x8b",
    b"\xe9",
    b"2020-13-45",
    b"x" * 600,
    b"\n\n\n",
]

edit = st.tuples(st.integers(0, 10**6), st.integers(0, 60), st.one_of(st.sampled_from(PIECES), st.binary(max_size=12)), st.integers(1, 3))
given_options = st.fixed_dictionaries(
    {},
    optional={
        "separator": st.sampled_from([",", ";", "::", "\t"]),
        "header": st.booleans(),
        "encoding": st.sampled_from(["utf-8", "cp1252", "utf-16", "utf-7"]),
        "decimal": st.just(","),
        "time_format": st.sampled_from(["%Y", "%d.%m.%Y", "nonsense", "%"]),
        "time_unit": st.sampled_from(["ms", "ns"]),
        "weight_column": st.sampled_from(["", "userID"]),
        "duplicates": st.sampled_from(["last", "max"]),
        "min_user_interactions": st.integers(1, 20),
        "max_broken_rows": st.sampled_from([0, 1]),
        "event_weights": st.just("u1=2"),
    },
)


@pytest.mark.parametrize("kind", SEEDS)
def test_a_mutated_file_gives_a_report(kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"events.{kind}"
    verdicts = set()

    @settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(edit, min_size=1, max_size=6), given_options)
    def mutated(edits: list[tuple[int, int, bytes, int]], options: dict[str, object]) -> None:
        data = SEEDS[kind]
        for place, gone, piece, times in edits:
            at = place % (len(data) + 1)
            data = data[:at] + piece * times + data[at + gone :]
        path.write_bytes(data)
        try:
            source = Settings.from_environ({"LARDER_INTERACTIONS": str(path)}, **options).source
        except SettingsError:
            return
        report = check(source, tmp_path)
        verdicts.add(report.verdict)
        assert report.exit_code in (0, 1, 2)
        assert page(report).endswith("</html>\n")
        if report.verdict == "unusable":
            assert "Traceback" not in report.findings[0].what
            assert "\n" not in report.findings[0].what
        elif report.verdict == "usable with losses":
            assert report.findings

    mutated()
    assert "unusable" in verdicts
