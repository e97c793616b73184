"""CSV and its like: every way to write one, and every line that is none is named."""

from __future__ import annotations

import gzip
import io
import subprocess
import sys
from pathlib import Path

import pytest
import zstandard

from tests.support.reading import HEADER, dropped, load, read, refusal, rows
from trainer.rows.row_filter import EMPTY, MISSING
from trainer.sources.text import digit_kernels
from trainer.sources.text import files as text_files
from trainer.sources.text.broken_csv import NEVER_CLOSED, NOT_TEXT, OTHERWISE, TOO_MANY
from trainer.sources.values.convert import NO_NUMBER


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    return tmp_path / "events.csv"


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["", "byte order mark"])
@pytest.mark.parametrize("end", ["\n", ""], ids=["", "no newline at the end"])
def test_a_csv(csv: Path, mark: str, newline: str, end: str) -> None:
    csv.write_bytes((mark + HEADER + "054,7,1.5,10\n-1,x,2,11.5" + end).replace("\n", newline).encode())
    assert rows(csv) == [("054", "7", 1.5, 10), ("-1", "x", 2.0, 11)]


def test_quoted_values_and_names(csv: Path) -> None:
    csv.write_text('"user, the","itemID","rating"\n"a,b","say ""x""",3\n"two\nlines",é,"4"\n')
    assert rows(csv, user_column="user, the") == [("a,b", 'say "x"', 3.0), ("two\nlines", "é", 4.0)]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|", " ", "::", "\x01", "^"])
@pytest.mark.parametrize("said", [True, False])
def test_separators_are_found_out_or_said(csv: Path, separator: str, said: bool) -> None:
    csv.write_text((HEADER + "1,2,3,4\n5,6,1.5,8\n").replace(",", separator))
    given = {"separator": separator} if said else {}
    assert rows(csv, **given) == [(1, 2, 3.0, 4), (5, 6, 1.5, 8)]


def test_excel_s_own_csv(csv: Path) -> None:
    """As a German Excel writes it: semicolons, decimal commas, cp1252, CRLF, quotation marks where they are needed."""
    text = 'Kunde;Artikel;Bewertung;Datum\r\n"Müller; Jörg";"Teller ""blau""";4,5;03.12.2023\r\nÖzil;Tasse;3;24.12.2023 \r\n'
    csv.write_bytes(text.encode("cp1252"))
    columns = {"user_column": "Kunde", "item_column": "Artikel", "weight_column": "Bewertung", "time_column": "Datum"}
    found, problems = read(csv, decimal=",", **columns)
    assert found == [("Müller; Jörg", 'Teller "blau"', 4.5, 1_701_561_600), ("Özil", "Tasse", 3.0, 1_703_376_000)]
    assert any("read as cp1252" in note for note in problems.notes)
    assert any("';'" in note for note in problems.notes)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"])
def test_encodings_are_found_out(csv: Path, encoding: str) -> None:
    csv.write_bytes((HEADER + "é,ü,3,4\n" + "plain,text,1,2\n" * 20).encode(encoding))
    assert rows(csv)[0] == ("é", "ü", 3.0, 4)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_a_mark_of_letters_with_no_byte_of_zeros(csv: Path, encoding: str) -> None:
    csv.write_bytes(
        ("用户編号名称,商品編号名称\n" + "".join(f"北京市海淀区东{n:c}路,上海市浦东新区西{n:c}\n" for n in range(0x4E00, 0x4E40))).encode(
            encoding
        )
    )
    assert rows(csv, user_column="用户編号名称", item_column="商品編号名称")[0] == ("北京市海淀区东一路", "上海市浦东新区西一", 1.0)


def test_no_byte_is_lost_of_a_text_whose_encoding_is_guessed(csv: Path) -> None:
    """Bytes that cp1252 leaves undefined keep ids apart."""
    csv.write_bytes(b"user,item\n\xe9\x81,1\n\xe9\x8d,1\n")
    assert len({user for user, *_ in rows(csv)}) == 2


def test_an_encoding_that_is_said(csv: Path) -> None:
    csv.write_bytes((HEADER + "Ж,2,3,4\n").encode("koi8-r"))
    assert rows(csv, encoding="koi8-r") == [("Ж", 2, 3.0, 4)]


def test_accents_far_down_in_a_file_that_begins_in_ascii(csv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_files, "HEAD_BYTES", 100)
    monkeypatch.setattr(text_files, "CHUNK_BYTES", 100)
    csv.write_bytes(HEADER.encode() + b"a,b,3,4\n" * 50 + "é,b,3,4\n".encode("cp1252"))
    found, problems = read(csv)
    assert found[-1] == ("é", "b", 3.0, 4)
    assert len(found) == 51
    assert problems.notes[-1] == f"{csv} is not UTF-8; read as cp1252. --encoding names another"


def test_bytes_that_are_no_utf8_in_a_file_that_is(csv: Path) -> None:
    csv.write_bytes(HEADER.encode() + "é,2,3,4\n".encode() * 60)
    with csv.open("ab") as file:
        file.write(b"\xff\xfe,2,3,4\n")
    found = dropped(csv, encoding="utf-8")
    assert list(found) == [NOT_TEXT]
    assert found[NOT_TEXT][0].startswith("line 62: ")


def test_without_a_header_columns_are_taken_by_position(csv: Path) -> None:
    csv.write_text("1,2,3,4,more\n5,6,7,8,more\n")
    assert rows(csv, header=False) == [(1, 2, 3.0, 4), (5, 6, 7.0, 8)]
    assert rows(csv, header=False, weight_column="") == [(1, 2, 1.0, 3), (5, 6, 1.0, 7)]
    assert rows(csv, header=False, user_column="2", item_column="1", weight_column="", time_column="4") == [(2, 1, 1.0, 4), (6, 5, 1.0, 8)]


def test_movielens_own_file(csv: Path) -> None:
    csv.write_text("1::1193::5::978300760\n1::661::3::978302109\n")
    assert rows(csv, header=False) == [(1, 1193, 5.0, 978300760), (1, 661, 3.0, 978302109)]
    assert "looks like data and not like names of columns; say --no-header" in refusal(csv)


@pytest.mark.parametrize("name", ['"x', '"x"', '""', 'a "b"', '"'])
def test_quotation_marks_are_letters_between_separators_of_two_characters(csv: Path, name: str) -> None:
    """Also in a file of which some line is no row."""
    csv.write_text(f"userID::itemID::rating::timestamp\n1::{name}::5::978300760\n" + "2::b::3::978302109\n" * 3 + "3::c::4::5::more\n")
    found, problems = read(csv, max_broken_rows=1.0)
    assert found == [(1, name, 5.0, 978300760), *[(2, "b", 3.0, 978302109)] * 3]
    assert dict(problems.dropped) == {TOO_MANY: 1}


def test_without_a_header_there_must_be_enough_columns(csv: Path) -> None:
    csv.write_text("1\n2\n")
    assert "has 1 columns; expected user, item" in refusal(csv, header=False)


def test_empty_fields_are_missing_values(csv: Path) -> None:
    csv.write_text(HEADER + ",2,3,4\n1,,,\n1,2\n\n1,2,3,4\n1,2,,\n1,NA,3,4\n\\N,2,3,4\n1,2,nan,4\n")
    found, problems = read(csv)
    assert found == [(1, 2, 3.0, 4)]
    assert dict(problems.dropped) == {MISSING: 7, EMPTY: 1}
    assert sorted(example.line for example in problems.examples[MISSING]) == [2, 3, 4, 7, 8, 9, 10]
    assert problems.n_rows == 9


def test_a_word_for_missing_may_be_an_id(csv: Path) -> None:
    csv.write_text(HEADER + "NA,2,3,4\nDE,2,?,4\n")
    assert rows(csv, missing="?") == [("NA", 2, 3.0, 4)]


def test_an_empty_file(csv: Path) -> None:
    csv.touch()
    assert refusal(csv) == f"{csv} is empty"
    csv.write_text("\n\n")
    assert refusal(csv) == f"{csv} holds nothing but empty lines"


def test_a_header_alone_has_no_interaction(csv: Path) -> None:
    csv.write_text(HEADER)
    assert refusal(csv) == f"{csv}: no interaction is left of 0 rows"


def broken_file(path: Path, n: int, share: float = 0.025) -> dict[int, str]:
    """Writes n rows of which that part is broken; the broken ones by line."""
    kinds = ["7,8,good,5", "7,8,3,noon", "7,8,3,4,5,6", '"7,8,3,4', "7,8,4;5,6"]
    wrong = {round(at / share): kinds[at % len(kinds)] for at in range(1, int(n * share) + 1)}
    path.write_text(HEADER + "".join(wrong.get(line, f"{line % 97},{line % 89},{1 + line % 5},{line}") + "\n" for line in range(2, n + 2)))
    return wrong


def test_broken_rows_are_named_by_line_and_the_run_goes_on(csv: Path) -> None:
    wrong = broken_file(csv, 2000)
    found, problems = read(csv)
    assert problems.n_broken == len(wrong) == 50
    assert len(found) == 1950
    assert problems.n_rows == 2000
    named = {example.line: example.value for examples in problems.examples.values() for example in examples}
    assert set(named) <= set(wrong)
    assert len(named) >= 40
    assert all(value in wrong[line] for line, value in named.items())
    assert {reason: n for reason, n in problems.broken.items() if reason in (TOO_MANY, NEVER_CLOSED)} == {TOO_MANY: 10, NEVER_CLOSED: 10}


def test_too_many_broken_rows_are_an_error_that_names_lines(csv: Path) -> None:
    broken_file(csv, 2000)
    message = refusal(csv, max_broken_rows=0.02)
    assert "50 of 2,000 rows are broken, more than --max-broken-rows 0.02 allows" in message
    assert "line 40: " in message


@pytest.mark.parametrize("chunk", [64, 300, 5000])
def test_lines_do_not_depend_on_chunks(csv: Path, chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    broken_file(csv, 600)
    whole = read(csv)
    monkeypatch.setattr(text_files, "CHUNK_BYTES", chunk)
    monkeypatch.setattr(text_files, "HEAD_BYTES", 4000)
    parts = read(csv)
    assert parts[0] == whole[0]
    assert (parts[1].dropped, parts[1].examples) == (whole[1].dropped, whole[1].examples)


def test_values_that_are_no_numbers_are_named_by_line(csv: Path) -> None:
    csv.write_text(HEADER + '1,2,3,4\n1,2,x,4\n1,2,,4\n1,2,"1,5",4\n1,2,?,4\n1,2,3,4\n')
    assert dropped(csv, max_broken_rows=1) == {
        NO_NUMBER: ["line 3: rating 'x'", "line 5: rating '1,5'", "line 6: rating '?'"],
        MISSING: ["line 4: rating ''"],
    }
    assert "no number" in refusal(csv, max_broken_rows=0)


@pytest.mark.parametrize("packing", ["gz", "zst"])
def test_packed_files(tmp_path: Path, packing: str) -> None:
    data = (HEADER + "".join(f"{n},7,1,{n}\n" for n in range(1, 5000))).encode()
    path = tmp_path / f"events.csv.{packing}"
    path.write_bytes(gzip.compress(data) if packing == "gz" else zstandard.compress(data))
    assert len(rows(path)) == 4999
    other = tmp_path / "no suffix"
    other.write_bytes(path.read_bytes())
    assert len(rows(other)) == 4999


def test_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Input(io.BytesIO):
        def isatty(self) -> bool:
            return False

    for data in (b"uid\tiid\n1\t2\n3\t4\n", gzip.compress(b"uid,iid\n1,2\n3,4\n"), zstandard.compress(b"uid,iid\n1,2\n3,4\n")):
        stream = Input(data)
        monkeypatch.setattr(sys, "stdin", type("Stdin", (), {"buffer": stream, "isatty": stream.isatty})())
        assert load("-").interactions.source == "standard input"


def test_a_pipe_gives_its_bytes_bit_by_bit() -> None:
    code = "from tests.support.reading import load; print(load('-').interactions.weight.size)"
    shell = "import time,sys\nfor n in range(3): print('user,item' if not n else f'{n},{n}', flush=True); time.sleep(.05)"
    writer = subprocess.Popen([sys.executable, "-c", shell], stdout=subprocess.PIPE)
    reader = subprocess.run([sys.executable, "-c", code], stdin=writer.stdout, capture_output=True, text=True, check=False)
    writer.wait()
    assert writer.stdout is not None
    writer.stdout.close()
    assert (reader.stdout, reader.returncode) == ("2\n", 0), reader.stderr


@pytest.mark.parametrize(
    ("magic", "what"),
    [
        (b"SQLite format 3\0", "sqlite:///FILE"),
        (b"BZh9", "bzip2"),
        (b"%PDF-1.4", "a PDF"),
    ],
)
def test_files_of_other_kinds_are_named(csv: Path, magic: bytes, what: str) -> None:
    csv.write_bytes(magic + bytes(100))
    assert what in refusal(csv)


@pytest.mark.parametrize(
    "data",
    [b'"\n', b'"' * 999, b"\0" * 500, bytes(range(256)) * 4, b"a" * 5000, b"\xff\xfe", b"\xef\xbb\xbf", b'user,item\n"', b"\r" * 9],
)
def test_bytes_that_are_no_csv_are_a_data_error(csv: Path, data: bytes) -> None:
    csv.write_bytes(data)
    refusal(csv)


def test_a_field_of_many_megabytes_is_no_hang(csv: Path) -> None:
    csv.write_text(HEADER + "1,2,3,4\n" * 300 + '1,"' + "x" * 3_000_000 + "\n" + "1,2,3,4\n" * 10)
    found, problems = read(csv)
    assert len(found) == 310
    assert problems.n_broken == 1


def test_separators_that_end_all_lines_are_no_fields(csv: Path) -> None:
    csv.write_text(HEADER + "1,2,3,4,,\n1,2,x,4,,\n" * 3 + "1,2,3,4\n")
    found, problems = read(csv, max_broken_rows=1)
    assert (len(found), dict(problems.dropped)) == (4, {NO_NUMBER: 3})


def test_separators_that_end_one_line_are_fields_too_many(csv: Path) -> None:
    csv.write_text("user_id,title,item_id,note\n1,big, red,10,\n" + "2,small,10,x\n" * 50)
    found = dropped(csv)
    assert found == {TOO_MANY: ["line 2: '1,big, red,10,'"]}


@pytest.mark.parametrize("other", [";", "|", "\t"])
@pytest.mark.parametrize("names", ["user_id,item_id,rating", "id,user_id,item_id", "item_id,user_id,rating"])
@pytest.mark.parametrize("mark", ["", '"'])
def test_lines_of_another_separator_are_named_and_count_as_broken(csv: Path, other: str, names: str, mark: str) -> None:
    lines = [f"{n % 7},{mark}{n % 5}{mark},{1 + n % 4}\n" for n in range(60)]
    lines[8] = lines[8].replace(",", other).replace('"', "")
    csv.write_text(names + "\n" + "".join(lines))
    assert dropped(csv) == {OTHERWISE: [f"line 10: {lines[8].strip()!r}"]}
    assert len(rows(csv)) == 59
    with_many = [line.replace(",", other) if n % 10 == 0 else line for n, line in enumerate(lines)]
    csv.write_text(names + "\n" + "".join(with_many).replace('"', ""))
    assert "of 60 rows are broken" in refusal(csv)


def test_a_text_in_quotation_marks_with_other_separators_is_a_missing_item(csv: Path) -> None:
    csv.write_text("user_id,item_id\n" + '"Doe, John",\n' + "a; b,\n" + "x;y,3\n" + "2,3\n" * 60)
    assert dropped(csv) == {MISSING: ["line 2: item_id ''", "line 3: item_id ''"]}


@pytest.mark.parametrize("odd", ["054", "+5", "-0", " 5", "-05", "00", '"054"'])
def test_an_id_that_is_no_canonical_integer_is_kept_as_it_is(csv: Path, odd: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_files, "HEAD_BYTES", 200)
    monkeypatch.setattr(text_files, "CHUNK_BYTES", 1000)
    csv.write_text(HEADER + "".join(f"{n},-7,0.5,{n}\n" for n in range(1, 500)))
    assert load(csv).interactions.item_ids == [-7]
    csv.write_text(csv.read_text() + f"1,{odd},0.5,9\n" + "1,-7,1,9\n" * 50)
    assert list(load(csv, item_id_type="text").interactions.item_ids) == sorted(["-7", odd.strip('" ')])


@pytest.mark.parametrize("odd", ["054", "+5", "-0", " 5", "-05", "00"])
def test_integers_are_canonical_wherever_they_stand(odd: str) -> None:
    assert digit_kernels.all_canonical(b"5,-7,0,10\n0.5,1,2,3\n", ",")
    assert not digit_kernels.all_canonical(f"{odd},1,2,3\n1,2,3,4\n".encode(), ",")
    assert not digit_kernels.all_canonical(f"1,2,3,4\n5,{odd},3,4\n".encode(), ",")
    assert not digit_kernels.all_canonical(f"1,2,3,4\n{odd}".encode(), ",")
