"""Numbers, times and names as people write them, read exactly or refused with the reason."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flashsale.minutes import from_epoch_ms
from generator.importing.bad_cells import BadCellError
from generator.importing.cells import BAD, EMPTY, NumberColumn
from generator.importing.mapping import File, Money, Time
from generator.importing.names import Vocabulary, ids_of, plain_number, text_of
from generator.importing.numbers import MINOR_PARTS, amount_reader, number_reader, whole_reader
from generator.importing.times import time_reader

ENGLISH, GERMAN, FRENCH = File(thousands=","), File(decimal=",", thousands="."), File(decimal=",", thousands=" ")


def problem(read: Callable[[Any], Any], cell: Any) -> tuple[str, str]:
    with pytest.raises(BadCellError) as caught:
        read(cell)
    return caught.value.code, caught.value.text


@pytest.mark.parametrize(
    ("file", "cell", "value"),
    [
        (ENGLISH, "1,250.50", "1250.50"),
        (ENGLISH, " 12,34,567.8 ", "1234567.8"),  # lakh
        (ENGLISH, "1234567", "1234567"),
        (ENGLISH, "+.5", "0.5"),
        (ENGLISH, "5.", "5"),
        (ENGLISH, "1.5E+3", "1500"),
        (GERMAN, "1.250,50", "1250.50"),
        (FRENCH, "1 250,50", "1250.50"),
        (FRENCH, "1\u202f250\u00a0000,5", "1250000.5"),
        (File(), "0012", "12"),
        (File(), 7, "7"),
        (File(), 19.99, "19.99"),
        (File(), Decimal("1.10"), "1.10"),
    ],
)
def test_numbers_are_exact(file: File, cell: Any, value: str) -> None:
    assert number_reader(file)(cell) == Decimal(value)


@pytest.mark.parametrize(
    "cell",
    ["abc", "1,50", "1,2,3", ",500", "1,250,5", "12 5", "0x10", "1_000", "١٢", "1e9999", "nan", "inf", "--1", "9" * 61,
     "1.2.3", "\x1b[31m5"],
)  # fmt: skip
def test_what_is_not_a_number_is_refused(cell: str) -> None:
    code, text = problem(number_reader(ENGLISH), cell)
    assert code == "type"
    assert text.endswith("is not a number")
    assert text.isprintable()


@pytest.mark.parametrize("cell", [True, float("inf"), Decimal("sNaN"), b"5", date(2025, 1, 1), timedelta(1)])
def test_values_of_other_types_are_no_numbers(cell: Any) -> None:
    assert problem(number_reader(File()), cell)[0] == "type"


@pytest.mark.parametrize("cell", [None, "", "  \u00a0", float("nan")])
def test_an_empty_cell_is_missing(cell: Any) -> None:
    for read in (number_reader(File()), text_of, time_reader(Time(time_zone="UTC"), number_reader(File()))):
        assert problem(read, cell) == ("missing", "is empty")


@pytest.mark.parametrize(
    ("cell", "code", "words"),
    [
        ("abc", "type", '"abc" is not a whole number'),
        ("2.5", "type", '"2.5" is not a whole number'),
        ("0", "range", '"0" must be 1..1000000'),
        ("-3", "range", '"-3" must be 1..1000000'),
        (f"{10**30}", "range", "must be 1..1000000"),
        ("1e999", "range", "must be 1..1000000"),
        (10**30, "range", "must be 1..1000000"),
    ],
)
def test_quantities_out_of_range(cell: Any, code: str, words: str) -> None:
    found = problem(whole_reader(number_reader(ENGLISH), 1, 1_000_000), cell)
    assert found[0] == code
    assert words in found[1]


def test_a_whole_number_may_be_written_with_decimals() -> None:
    read = whole_reader(number_reader(ENGLISH), 1, 1_000_000)
    assert [read(cell) for cell in ("2.0", 2.0, "1,000", "1E3", Decimal("4.00"))] == [2, 2, 1000, 1000, 4]


def test_amounts_keep_every_paisa() -> None:
    read = amount_reader(number_reader(ENGLISH), Money())
    assert read("1,250.50") == 125_050 * MINOR_PARTS
    assert read("0.005") == MINOR_PARTS // 2  # half a paisa: two of them are one
    assert amount_reader(number_reader(ENGLISH), Money(unit="minor"))("125050") == 125_050 * MINOR_PARTS
    assert amount_reader(number_reader(ENGLISH), Money(minor_per_major=1000))("1.5") == 1_500 * MINOR_PARTS
    assert problem(read, "-0.01")[0] == "range"
    assert problem(read, "1000000000000.01")[0] == "range"
    assert read("1000000000000") == 10**14 * MINOR_PARTS
    assert "round = true" in problem(read, "0.0000001")[1]
    assert amount_reader(number_reader(ENGLISH), Money(round=True))("0.0000015") == 2


@given(st.integers(0, 10**14))
def test_every_amount_of_whole_minor_units_reads_back(minor: int) -> None:
    major, paisa = divmod(minor, 100)
    read = amount_reader(number_reader(ENGLISH), Money())
    assert read(f"{major:,}.{paisa:02d}") == minor * MINOR_PARTS
    assert read(f"{major}.{paisa:02d}") == minor * MINOR_PARTS


def at(time_format: str, zone: str, cell: Any) -> datetime:
    return from_epoch_ms(time_reader(Time(format=time_format, time_zone=zone), number_reader(File()))(cell))


@pytest.mark.parametrize(
    ("time_format", "zone", "cell", "utc"),
    [
        ("iso", "Asia/Karachi", "2025-11-11 05:00:07", "2025-11-11T00:00:07"),
        ("iso", "Asia/Karachi", "2025-11-11T05:00:07.1239", "2025-11-11T00:00:07.123"),
        ("iso", "Asia/Karachi", "2025-11-11T05:00:07Z", "2025-11-11T05:00:07"),
        ("iso", "Asia/Karachi", "2025-11-11T05:00:07-03:00", "2025-11-11T08:00:07"),
        ("%d/%m/%Y %H:%M:%S", "Asia/Karachi", " 01/02/2025 05:00:00", "2025-02-01T00:00:00"),
        ("%m/%d/%Y %I:%M %p", "America/New_York", "11/28/2025 12:05 AM", "2025-11-28T05:05:00"),
        ("%Y-%m-%d %H:%M:%S %z", "Asia/Karachi", "2025-11-11 05:00:00 +0100", "2025-11-11T04:00:00"),
        ("epoch_seconds", "Asia/Karachi", "1762819200.5", "2025-11-11T00:00:00.500"),
        ("epoch_ms", "Asia/Karachi", 1762819200500, "2025-11-11T00:00:00.500"),
        ("iso", "Asia/Karachi", datetime.fromisoformat("2025-11-11T05:00:00.999999"), "2025-11-11T00:00:00.999"),
        ("epoch_ms", "Asia/Karachi", datetime(2025, 11, 11, 5, tzinfo=UTC), "2025-11-11T05:00:00"),
        ("iso", "UTC", datetime(2025, 11, 11, 5, tzinfo=timezone(timedelta(hours=5))), "2025-11-11T00:00:00"),
        ("iso", "Asia/Karachi", date(2025, 11, 11), "2025-11-10T19:00:00"),
        # Clocks were put back: 02:30 was twice, the first time in summer time.
        ("iso", "Europe/Berlin", "2025-10-26 02:30:00", "2025-10-26T00:30:00"),
    ],
)
def test_times_become_utc(time_format: str, zone: str, cell: Any, utc: str) -> None:
    assert at(time_format, zone, cell) == datetime.fromisoformat(utc).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("time_format", "cell", "code", "words"),
    [
        ("iso", "31/11/2025", "type", "is not a time like ISO 8601"),
        ("%d/%m/%Y %H:%M", "31/11/2025 10:00", "type", "is not a time like %d/%m/%Y %H:%M"),
        ("iso", "2025-03-30 02:30:00", "range", "never was: clocks in Europe/Berlin were put forward"),
        ("iso", 1762819200, "type", "epoch_seconds"),
        ("epoch_ms", "soon", "type", "since 1970"),
        ("epoch_seconds", "1e30", "range", "1970 to 9999"),
        ("epoch_seconds", -1, "range", "1970 to 9999"),
        ("iso", datetime.fromisoformat("0001-01-01T00:00:00"), "range", "years 1 to 9999"),
    ],
)
def test_bad_times(time_format: str, cell: Any, code: str, words: str) -> None:
    read = time_reader(Time(format=time_format, time_zone="Europe/Berlin"), number_reader(File()))
    found = problem(read, cell)
    assert found[0] == code
    assert words in found[1]


def test_names_are_texts_with_single_blanks() -> None:
    assert text_of("  Lahore \n East\u00a0") == "Lahore East"
    assert (text_of(1001), text_of(1001.0), text_of(Decimal("12.50"))) == ("1001", "1001", "12.50")
    assert text_of("👩‍🚀 Kurta لباس") == "👩‍🚀 Kurta لباس"
    assert problem(text_of, "a\x00b") == ("type", '"a\\u0000b" holds U+0000, which is no text')
    assert problem(text_of, "a\udce9b")[0] == "type"
    assert problem(text_of, "x" * 201)[0] == "range"
    for cell in (True, b"x", float("inf"), Decimal("NaN"), object()):
        assert problem(text_of, cell)[0] == "type"


def test_ids_are_the_files_own_numbers_or_count_the_sorted_names() -> None:
    used = np.array([0, 2])
    assert ids_of(["40", "x", "7"], used, 100).tolist() == [40, -1, 7]
    assert ids_of(["40", "x", "007"], used, 100).tolist() == [2, -1, 1]
    assert ids_of(["40", "x", "101"], used, 100).tolist() == [2, -1, 1]
    assert ids_of(["b", "x", "a"], used, 100).tolist() == [2, -1, 1]
    assert [plain_number(text, 100) for text in ("1", "100", "101", "0", "01", "-1", "1.0", "²", "")] == [
        1, 100, None, None, None, None, None, None, None,
    ]  # fmt: skip


def test_a_column_tells_bad_from_empty_and_remembers_both() -> None:
    words = Vocabulary()
    column = NumberColumn("seller", "Shop", words.code, optional=True)
    assert column.numbers(["b", "a", "", "b", None, "\x00"]).tolist() == [0, 1, EMPTY, 0, EMPTY, BAD]
    assert column.problem("\x00").code == "type"
    needed = NumberColumn("product", "SKU", Vocabulary().code)
    assert needed.numbers([""]).tolist() == [BAD]
