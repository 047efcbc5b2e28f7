"""`flashsale-archive`: mistakes are one line, help is quick, and rows are written as they are."""

import datetime as dt
import json
import subprocess
import sys
from decimal import Decimal

import pyarrow as pa
import pytest

from spark_jobs.archive_cli import main
from spark_jobs.archive_tools.rows_as_text import as_csv, as_json, as_table

COMMANDS = ("run", "status", "query", "verify", "restore", "compact")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ([], 2, "COMMAND"),
        (["fly"], 2, "'fly'"),
        (["query"], 2, "SELECT"),
        (["query", "--csv", "--json", "SELECT 1"], 2, "not allowed with"),
        (["verify", "--shallow"], 2, "--shallow"),
        (["restore", "--date", "2026-11-11"], 2, "--hour"),
        (["restore", "--date", "2026-02-30", "--hour", "9"], 1, "--date '2026-02-30': must be a day"),
        (["restore", "--date", "2026-11-11", "--hour", "-1"], 1, "--hour '-1': must be 0 to 23"),
        (["restore", "--date", "2026-11-11", "--hour", "noon"], 1, "--hour 'noon': must be 0 to 23"),
    ],
)
def test_a_wrong_option_is_one_line(
    arguments: list[str], code: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        found = main(arguments)
    except SystemExit as ended:
        found = int(ended.code or 0)
    out, error = capsys.readouterr()
    assert (found, out) == (code, "")
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    assert words in error


def test_help_names_every_command_and_imports_no_engine() -> None:
    code = (
        "import sys\nfrom spark_jobs.archive_cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        "print(sorted({'pyspark', 'duckdb', 'pyarrow', 'fsspec'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    for command in COMMANDS:
        assert f"\n    {command} " in done.stdout


ROWS = pa.table(
    {
        "id": pa.array([2**53 + 1, None], pa.int64()),
        "id_again": pa.array([Decimal("7"), Decimal("-12")], pa.decimal128(38, 0)),
        "at": pa.array([dt.datetime(2026, 11, 11, 9, 0, 0, 5000, dt.UTC), None], pa.timestamp("us", "UTC")),
        "day": pa.array([dt.date(2026, 11, 11), None]),
        "name": pa.array(['a, "b"\nc', "ژ"]),
        "share": pa.array([0.5, None], pa.float64()),
        "cut": pa.array([Decimal("1.50"), None], pa.decimal128(10, 2)),
        "raw": pa.array([b"\x01\xff", None]),
        "pairs": pa.array([[{"p": 1}], []], pa.list_(pa.struct([("p", pa.int64())]))),
    }
)
FIRST = [2**53 + 1, 7, "2026-11-11T09:00:00.005Z", "2026-11-11", 'a, "b"\nc', 0.5, "1.50", "01ff", [{"p": 1}]]


def test_values_are_exact_in_json() -> None:
    rows = json.loads("\n".join(as_json(ROWS.to_reader())))
    assert list(rows[0].values()) == FIRST
    assert rows[1] == {**dict.fromkeys(ROWS.column_names), "id_again": -12, "name": "ژ", "pairs": []}
    assert json.loads("".join(as_json(ROWS.slice(0, 0).to_reader()))) == []


def test_csv_quotes_what_needs_it_and_leaves_null_empty() -> None:
    assert "\n".join(as_csv(ROWS.to_reader())) == "\n".join(
        [
            ",".join(ROWS.column_names),
            f'{2**53 + 1},7,2026-11-11T09:00:00.005Z,2026-11-11,"a, ""b""\nc",0.5,1.50,01ff,"[{{""p"": 1}}]"',
            ",-12,,,ژ,,,,[]",
        ]
    )


def test_a_table_has_numbers_to_the_right_and_counts_its_rows() -> None:
    lines = list(as_table(ROWS.select(["name", "id_again"]).slice(1).to_reader()))
    assert lines == ["name  id_again", "----  --------", "ژ          -12", "(1 row)"]
