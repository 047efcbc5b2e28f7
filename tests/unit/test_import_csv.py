"""Rows of a CSV file keep their true line numbers, whatever stands in the file."""

import csv
import io
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generator.importing.bad_cells import ImportFileError
from generator.importing.csv_rows import CsvSource
from generator.importing.mapping import File
from generator.importing.row_source import Batch, BrokenRow
from generator.importing.source_files import open_rows

Good = list[tuple[int, tuple[str, ...]]]


def read(path: Path, content: bytes, rules: File | None = None) -> tuple[Good, list[BrokenRow]]:
    path.write_bytes(content)
    with CsvSource(path, rules or File()) as source:
        batches: list[Batch] = list(source.batches(source.titles))
    good = [
        (line, row)
        for batch in batches
        for line, row in zip(batch.lines, zip(*batch.columns, strict=True), strict=True)
    ]
    return good, [row for batch in batches for row in batch.broken]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "orders.csv"


def test_line_numbers_count_line_breaks_inside_quotes_and_blank_lines(path: Path) -> None:
    good, broken = read(path, b'a,b\n1,"x\ny\r\nz"\n\n2,w\r\n3,"v"\n')
    assert good == [(2, ("1", "x\ny\r\nz")), (6, ("2", "w")), (7, ("3", "v"))]
    assert broken == []


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("last", [True, False])
def test_every_kind_of_line_end(path: Path, end: bytes, last: bool) -> None:
    content = end.join([b"a,b", b"1,2", b"3,4"]) + (end if last else b"")
    assert read(path, content) == ([(2, ("1", "2")), (3, ("3", "4"))], [])


def test_a_byte_order_mark_is_no_part_of_the_first_title(path: Path) -> None:
    path.write_bytes(b"\xef\xbb\xbfa,b\n1,2\n")
    with CsvSource(path, File()) as source:
        assert source.titles == ["a", "b"]


def test_rows_of_another_width_are_broken_and_keep_their_values(path: Path) -> None:
    good, broken = read(path, b"a,b\n1\n2,3\n4,5,6\n,\n")
    assert good == [(3, ("2", "3")), (5, ("", ""))]
    assert [(row.line, row.code, row.raw) for row in broken] == [
        (2, "field_count", ["1"]),
        (4, "field_count", ["4", "5", "6"]),
    ]
    assert broken[0].problem == "has 1 values, the header has 2"


def test_an_unclosed_quote_costs_one_row_and_not_the_rest(path: Path) -> None:
    lines = [b'"a","b"'] + [b"%d,x" % i for i in range(2, 9_000)]
    lines[5] = b'7,"x'
    lines[4_000] = b'"5"7,x'
    lines.append(b'9,"end')
    good, broken = read(path, b"\n".join(lines))
    assert [(row.line, row.code) for row in broken] == [(6, "quoting"), (4_001, "quoting"), (len(lines), "quoting")]
    assert broken[0].raw == ['7,"x']
    assert [line for line, _ in good] == [n for n in range(2, len(lines)) if n not in (6, 4_001)]


def test_a_quote_that_swallows_a_row_gives_it_back(path: Path) -> None:
    good, broken = read(path, b'a,b\n1,"x\n2,y\n3,"z"\n4,w\n')
    assert [(row.line, row.raw) for row in broken] == [(2, ['1,"x'])]
    assert good == [(3, ("2", "y")), (4, ("3", "z")), (5, ("4", "w"))]


def test_a_huge_field_is_one_broken_row(path: Path) -> None:
    good, broken = read(path, b"a,b\n1,2\n" + b"x" * 300_000 + b",3\n4,5\n")
    assert [line for line, _ in good] == [2, 4]
    assert [(row.line, row.code) for row in broken] == [(3, "quoting")]


def test_bytes_that_are_no_text_break_their_row_alone(path: Path) -> None:
    good, broken = read(path, "a,b\n1,é\n".encode() + b"2,\xe9\n" + "3,🚀\n".encode())
    assert good == [(2, ("1", "é")), (4, ("3", "🚀"))]
    assert [(row.line, row.code, row.problem) for row in broken] == [(3, "encoding", "is not utf-8 text: byte 0xE9")]


def test_other_encodings_and_dialects(path: Path) -> None:
    rules = File(encoding="cp1252", delimiter=";", quote="'", escape="\\")
    good, _ = read(path, "a;b\n'x;y';'d\\'é'\n".encode("cp1252"), rules)
    assert good == [(2, ("x;y", "d'é"))]
    good, _ = read(path, "a\tb\nß\t🚀\n".encode("utf-16"), File(encoding="utf-16", delimiter="\t"))
    assert good == [(2, ("ß", "🚀"))]
    good, _ = read(path, b'a,b\n5" pipe,"x\n', File(quote=""))
    assert good == [(2, ('5" pipe', '"x'))]


@pytest.mark.parametrize(
    ("content", "encoding", "words"),
    [
        (b"", "utf-8", "is empty"),
        (b"\n\r\n\n", "utf-8", "is empty"),
        ("a,b\n1,2\n".encode("utf-16"), "utf-8", "the header is not utf-8 text: byte 0xFF; set `encoding`"),
        (b'a,"b\n1,2\n', "utf-8", "the header is not valid CSV"),
    ],
)
def test_a_file_without_a_header_is_one_error(path: Path, content: bytes, encoding: str, words: str) -> None:
    with pytest.raises(ImportFileError, match=re.escape(words)):
        read(path, content, File(encoding=encoding))


def test_a_file_cut_within_a_character_loses_that_row_alone(path: Path) -> None:
    good, broken = read(path, "a,b\n1,2\n".encode("utf-16") + b"\xd8", File(encoding="utf-16"))
    assert good == [(2, ("1", "2"))]
    assert [row.line for row in broken] == [3]


def test_half_a_character_of_utf_16_is_one_error(path: Path) -> None:
    with pytest.raises(ImportFileError, match="is not utf-16-le text"):
        read(path, "a,b\n1,2\n".encode("utf-16-le") + b"\x00\xd8\x41\x00", File(encoding="utf-16-le"))


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("x.csv", b"PK\x03\x04rest", "is an Excel workbook or a zip file"),
        ("x.csv", b"\x1f\x8brest", "is compressed with gzip"),
        ("x.parquet", b"a,b\n", "is not a Parquet file"),
        ("x.csv", b"PAR1 is how it begins", "is not a readable Parquet file"),
    ],
)
def test_other_kinds_of_files_are_named(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ImportFileError, match=words):
        open_rows(tmp_path / name, File())


def test_no_file_a_folder_and_a_pipe(tmp_path: Path) -> None:
    for path, words in ((tmp_path / "none.csv", "does not exist"), (tmp_path, "is not a file")):
        with pytest.raises(ImportFileError, match=words):
            open_rows(path, File())


_CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=8)
_NASTY = st.one_of(_CELLS, st.sampled_from(['"', "\n", "\r\n", "\r", ",", 'a"b\n"c', " x "]))


@settings(max_examples=150, deadline=None)
@given(rows=st.lists(st.tuples(_NASTY, _NASTY, _NASTY), max_size=30))
def test_whatever_csv_writes_is_read_back_with_its_line(
    rows: list[tuple[str, str, str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    text, expected = "a,b,c\r\n", []
    for cells in rows:
        expected.append((len(re.findall(r"\r\n|\r|\n", text)) + 1, cells))
        buffer = io.StringIO(newline="")
        csv.writer(buffer, quoting=csv.QUOTE_ALL).writerow(cells)
        text += buffer.getvalue()
    path = tmp_path_factory.getbasetemp() / "any.csv"
    good, broken = read(path, text.encode())
    assert good == expected
    assert broken == []
