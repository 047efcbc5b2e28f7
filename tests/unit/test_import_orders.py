"""An order file becomes a table: good rows exact, bad ones named by line and reason, whatever the file's type."""

import csv
import dataclasses
import re
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from flashsale.minutes import epoch_ms
from generator.importing.bad_cells import ImportFileError
from generator.importing.mapping import parse_mapping
from generator.importing.reading import Read, inputs_of, read_inputs
from tests.support.order_files import MAPPING, TITLES, Row, many_rows, row, write_csv

BAD_ROWS: dict[str, tuple[dict[str, str], str, str]] = {
    # kind: (what is changed, reason counted by, words)
    "text for a quantity": ({"Qty": "abc"}, "type:quantity", "column 'Qty': \"abc\" is not a whole number"),
    "fraction of a unit": ({"Qty": "2.5"}, "type:quantity", '"2.5" is not a whole number'),
    "quantity of zero": ({"Qty": "0"}, "range:quantity", '"0" must be 1..1000000'),
    "returned goods": ({"Qty": "-2"}, "range:quantity", '"-2" must be 1..1000000'),
    "quantity beyond belief": ({"Qty": f"{10**30}"}, "range:quantity", "must be 1..1000000"),
    "NaN": ({"Qty": "NaN"}, "type:quantity", '"NaN" is not a whole number'),
    "no quantity": ({"Qty": " "}, "missing:quantity", "column 'Qty': is empty"),
    "no product": ({"SKU": ""}, "missing:product", "column 'SKU': is empty"),
    "no order id": ({"Order_No": ""}, "missing:order_id", "column 'Order No': is empty"),
    "control character": ({"SKU": "a\x07b"}, "type:product", "holds U+0007"),
    "negative price": ({"Unit_price": "-1"}, "range:unit_price", "must be 0..1000000000000"),
    "decimal comma": ({"Unit_price": "12,50"}, "type:unit_price", '"12,50" is not a number'),
    "fraction of a paisa": ({"Unit_price": "0.333", "Qty": "1"}, "range:unit_price", '"0.333" × 1 is not a whole'),
    "far too fine": ({"Unit_price": "0.33333333", "Qty": "3"}, "range:unit_price", "round = true"),
    "line worth too much": ({"Unit_price": "9999999999", "Qty": "1000000"}, "range:unit_price", "is beyond"),
    "unknown city": ({"City": "Atlantis"}, "unknown:city", '"Atlantis" is not in the gazetteer; add it to [[cities]]'),
    "unknown warehouse": ({"Ships_from": "Mars"}, "unknown:warehouse", '"Mars" is not in [[warehouses]]'),
    "no such day": ({"Ordered_at": "31/11/2025 10:00:00"}, "type:time", "is not a time like %d/%m/%Y %H:%M:%S"),
    "other form of time": ({"Ordered_at": "2025-11-11T00:00:00"}, "type:time", "is not a time like"),
    "in the future": ({"Ordered_at": "01/01/2099 00:00:00"}, "future:time", "lies in the future; `--speed 1`"),
    "terminal codes": ({"Qty": "\x1b[2Jx"}, "type:quantity", '"\\u001b[2Jx" is not a whole number'),
}


def read(
    path: Path, text: str = MAPPING, speed: float | None = None, until: datetime = datetime(2026, 1, 1, tzinfo=UTC)
) -> Read:
    inputs = inputs_of(path, parse_mapping(text, "m", path.parent), speed)
    return read_inputs(inputs, path.parent / "rejected.csv", epoch_ms(until), lambda rows, share: None)


def assert_equal(one: Read, other: Read) -> None:
    for name in ("tick", "again", "product_ids", "city_ids"):
        assert np.array_equal(getattr(one.table, name), getattr(other.table, name)), name
    for field in dataclasses.fields(one.table.orders):
        assert np.array_equal(getattr(one.table.orders, field.name), getattr(other.table.orders, field.name)), field
    assert (one.table.start_ms, one.table.end_ms) == (other.table.start_ms, other.table.end_ms)


def test_every_kind_of_bad_row_is_named_by_its_line_and_the_others_are_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows: list[Row] = []
    lines: dict[int, str] = {}
    for number, (kind, (changes, _, _)) in enumerate(BAD_ROWS.items()):
        # A good row with a line break in quotes before each: line and row number part ways.
        rows += [row(2 * number, 60, Shop="Tech\nMart"), row(2 * number + 1, 61, **changes)]
        lines[3 * number + 4] = kind
    path = write_csv(tmp_path / "orders.csv", rows)
    found = read(path)
    assert len(found.table) == len(BAD_ROWS)
    assert found.rows_read == 2 * len(BAD_ROWS)
    with (tmp_path / "rejected.csv").open(newline="", encoding="utf-8") as file:
        header, *rejected = list(csv.reader(file))
    assert header == ["line", "reason", *TITLES]
    assert [int(line) for line, *_ in rejected] == list(lines)
    counts: dict[str, int] = {}
    for (line, reason, *cells), original in zip(rejected, rows[1::2], strict=True):
        _, code, words = BAD_ROWS[lines[int(line)]]
        counts[code] = counts.get(code, 0) + 1
        assert words in reason, lines[int(line)]
        assert tuple(cells) == original
    assert found.rejected == counts
    told = capsys.readouterr().err.splitlines()
    assert told[0] == f"{path}:4: column 'Qty': \"abc\" is not a whole number"
    assert len(told) == 21
    assert told[-1] == f"more rejected rows stand in {tmp_path / 'rejected.csv'}"
    assert all(line.isprintable() for line in told)


def test_values_are_exact_and_in_order_of_time(tmp_path: Path) -> None:
    rows = [
        row(1, 3_600, SKU="b", Qty="3", Unit_price="1,234.56", City="LAHORE"),
        row(2, 7, SKU="a", Qty="1,000", Unit_price="0.05", Shop=""),
        row(3, 7, SKU="é🚀", Qty="2.0", Unit_price="25"),
    ]
    table = read(write_csv(tmp_path / "orders.csv", rows)).table
    orders = table.orders
    start = datetime(2025, 11, 10, 19, 0, 7, tzinfo=UTC)
    assert (table.start_ms, table.end_ms) == (epoch_ms(start), epoch_ms(start) + 3_594_000)
    assert orders.ts.tolist() == [epoch_ms(start), epoch_ms(start), epoch_ms(start) + 3_593_000]
    assert orders.product_id.tolist() == [1, 3, 2]
    assert orders.seller_id.tolist() == [0, 1, 1]
    assert orders.qty.tolist() == [1_000, 2, 3]
    assert orders.value.tolist() == [5_000, 5_000, 370_368]
    assert orders.order_id.tolist() == [0, 1, 3_593 << 28]
    assert not table.again.any()


def test_whole_numbers_of_the_file_stay_its_ids(tmp_path: Path) -> None:
    rows = [row(1, 5, Order_No="900", SKU="4711", Shop="12"), row(2, 2, Order_No="7", SKU="15", Shop="")]
    orders = read(write_csv(tmp_path / "orders.csv", rows)).table.orders
    assert (orders.order_id.tolist(), orders.product_id.tolist(), orders.seller_id.tolist()) == (
        [7, 900],
        [15, 4711],
        [0, 12],
    )


def test_an_order_id_that_comes_again_keeps_the_id_of_the_earliest(tmp_path: Path) -> None:
    rows = [row(9, 30), row(8, 20), row(9, 10, Qty="4"), row(9, 30), row(7, 10)]
    table = read(write_csv(tmp_path / "orders.csv", rows)).table
    assert table.orders.order_id.tolist() == [0, 1, 10 << 28, 0, 0]
    assert table.again.tolist() == [False, False, False, True, True]
    without = MAPPING.replace('order_id = "Order No"', "")
    table = read(tmp_path / "orders.csv", without).table
    assert len(set(table.orders.order_id.tolist())) == 5
    assert not table.again.any()


def test_several_columns_make_one_order_id_or_time(tmp_path: Path) -> None:
    titles = [*TITLES[:-1], "Date", "Time"]
    rows = [(*row(n, 0, Order_No=order)[:-1], "2025-11-11", t) for n, (order, t) in enumerate(
        [("1", "10:00"), ("1", "10:01"), ("11", ""), ("1", "10:00")])]  # fmt: skip
    text = MAPPING.replace('"Ordered at"', '["Date", "Time"]').replace('"%d/%m/%Y %H:%M:%S"', '"iso"')
    text = text.replace('"Order No"', '["Order No", "Time"]')
    found = read(write_csv(tmp_path / "orders.csv", rows, titles), text)
    assert found.table.again.tolist() == [False, True, False]
    assert found.rejected == {"missing:time": 1}


def parquet_columns(rows: list[Row]) -> dict[str, Any]:
    """The rows of `many_rows` in types a warehouse would give them."""
    columns = dict(zip(TITLES, zip(*rows, strict=True), strict=True))
    times = [datetime.strptime(text, "%d/%m/%Y %H:%M:%S") for text in columns["Ordered at"]]  # noqa: DTZ007
    return {
        "Order No": pa.array(columns["Order No"], pa.large_string()),
        "SKU": pa.array(columns["SKU"]).dictionary_encode(),
        "Shop": pa.array(columns["Shop"]),
        "Ships from": pa.array(columns["Ships from"]).dictionary_encode(),
        "City": pa.array(columns["City"]),
        "Qty": pa.array([int(text) for text in columns["Qty"]], pa.int16()),
        "Unit price": pa.array([Decimal(text.replace(",", "")) for text in columns["Unit price"]]),
        "Ordered at": pa.array(times, pa.timestamp("ns")),
        "Basket": pa.array([[1, 2]] * len(rows)),
    }


@pytest.mark.parametrize("price", [pa.decimal128(12, 2), pa.float64(), pa.float32(), pa.string()])
def test_csv_and_parquet_give_the_same_table(tmp_path: Path, price: pa.DataType) -> None:
    rows = many_rows(40_000, 3_600)
    from_csv = read(write_csv(tmp_path / "orders.csv", rows))
    columns = parquet_columns(rows)
    columns["Unit price"] = columns["Unit price"].cast(price)
    if pa.types.is_float32(price):
        columns["Ordered at"] = pa.compute.assume_timezone(columns["Ordered at"], "Asia/Karachi")
    pq.write_table(pa.table(columns), tmp_path / "orders.parquet", row_group_size=7_000)
    from_parquet = read(tmp_path / "orders.parquet")
    assert_equal(from_csv, from_parquet)
    assert len(from_csv.table) == 40_000
    assert from_parquet.rejected == {}


def test_bad_rows_of_parquet_are_numbered_from_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    n = 20_000
    columns = parquet_columns(many_rows(n, 60))
    columns["Qty"] = pa.array([None if i == 16_999 else 1 for i in range(n)], pa.float64())
    columns["Unit price"] = pa.array([float("nan") if i == 5 else float("inf") if i == 6 else 1.5 for i in range(n)])
    microseconds = columns["Ordered at"].cast(pa.timestamp("us")).cast(pa.int64()).to_pylist()
    microseconds[7] = 2**62  # the year 148,108
    columns["Ordered at"] = pa.array(microseconds).cast(pa.timestamp("us"))
    pq.write_table(pa.table(columns), tmp_path / "orders.parquet")
    assert read(tmp_path / "orders.parquet").rejected == {
        "missing:quantity": 1, "missing:unit_price": 1, "type:unit_price": 1, "type:time": 1,
    }  # fmt: skip
    told = capsys.readouterr().err
    assert re.findall(r"parquet:(\d+): column '(.*?)'", told) == [
        ("6", "Unit price"), ("7", "Unit price"), ("8", "Ordered at"), ("17000", "Qty"),
    ]  # fmt: skip
    with (tmp_path / "rejected.csv").open(newline="", encoding="utf-8") as file:
        rejected = list(csv.DictReader(file))
    assert [(line["line"], line["Qty"], line["Basket"]) for line in rejected][-1] == ("17000", "", "[1, 2]")


def test_a_nested_column_cannot_be_mapped(tmp_path: Path) -> None:
    pq.write_table(pa.table(parquet_columns(many_rows(5, 5))), tmp_path / "orders.parquet")
    with pytest.raises(ImportFileError, match=r"column 'Basket' holds list<.*>, not single values"):
        read(tmp_path / "orders.parquet", MAPPING.replace('city = "City"', 'city = "Basket"'))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "is empty"),
        (",".join(TITLES) + "\r\n", "has a header and no row"),
        (
            ",".join(TITLES).replace("City", "x").replace("Qty", "y"),
            r"has no column 'City' \(columns.city\), 'Qty' \(columns.quantity\); its columns are 'Order No', 'SKU'",
        ),
        (",".join(TITLES).replace("City", "city ") + "\n", r"no column 'City' \(columns.city, perhaps 'city'\)"),
        (",".join((*TITLES, "Qty")) + "\n", r"the title 'Qty' \(columns.quantity\) stands 2 times"),
        (
            ",".join(TITLES) + "\n1,2\n3,4\n",
            r"none of 2 rows can be imported \(field_count 2\); all stand in .*rejected.csv",
        ),
    ],
)
def test_a_file_without_a_good_row_is_one_error(tmp_path: Path, content: str, words: str) -> None:
    path = tmp_path / "orders.csv"
    path.write_text(content, newline="")
    with pytest.raises(ImportFileError, match=words) as caught:
        read(path)
    assert "\n" not in str(caught.value)


def test_orders_outside_of_the_sale_are_rejected(tmp_path: Path) -> None:
    sale = "[sale]\nstarts_at = 2025-11-11T00:00:10\nends_at = 2025-11-10T19:00:20Z\n[time]"
    path = write_csv(tmp_path / "orders.csv", [row(n, second) for n, second in enumerate((9, 10, 19, 20))])
    found = read(path, MAPPING.replace("[time]", sale))
    assert found.rejected == {"outside:time": 2}
    assert found.table.tick.tolist() == [0, 9]
    assert found.table.end_ms - found.table.start_ms == 10_000


def test_a_stray_year_is_told_and_not_a_sale_of_centuries(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "orders.csv", [row(1, 5), row(2, 5, Ordered_at="11/11/1970 00:00:00")])
    with pytest.raises(
        ImportFileError, match=r"between 1970-11-10T19.* and 2025-11-10T19.*at most 7 days: set `starts_at`"
    ):
        read(path)


def test_more_orders_in_a_second_than_ids_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("generator.importing.order_table.MAX_PER_SECOND", 3)
    path = write_csv(tmp_path / "orders.csv", [row(n, 5) for n in range(3)])
    assert len(read(path).table) == 3
    write_csv(path, [row(n, 5) for n in range(4)])
    with pytest.raises(ImportFileError, match="more than 3 orders carry the second 2025-11-10T19:00:05"):
        read(path)


def test_rounding_is_to_the_even_minor_unit_of_the_line(tmp_path: Path) -> None:
    prices = [("0.005", "1"), ("0.015", "1"), ("0.025", "1"), ("33.3333", "3"), ("0.3349", "1"), ("12.505", "2")]
    path = write_csv(tmp_path / "orders.csv", [row(n, n, Unit_price=p, Qty=q) for n, (p, q) in enumerate(prices)])
    table = read(path, MAPPING.replace("[time]", "[money]\nround = true\n[time]")).table
    assert table.orders.value.tolist() == [0, 2, 2, 10_000, 33, 2_501]
    assert read(path).table.orders.value.tolist() == [2_501]
    assert read(path).rejected == {"range:unit_price": 5}


def test_the_value_of_a_line_may_be_given_instead(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "orders.csv", [row(1, 1, Qty="3", Unit_price="1,000.01")])
    text = MAPPING.replace("unit_price", "line_value")
    assert read(path, text).table.orders.value.tolist() == [100_001]


def test_the_same_content_is_the_same_import_and_any_change_another(tmp_path: Path) -> None:
    path, mapping = write_csv(tmp_path / "orders.csv", many_rows(50, 5)), parse_mapping(MAPPING, "m")
    first = inputs_of(path, mapping, None)
    copy = tmp_path / "copy.csv"
    copy.write_bytes(path.read_bytes())
    assert inputs_of(copy, mapping, None).content == first.content
    others = [inputs_of(path, mapping, 1.0), inputs_of(path, parse_mapping(MAPPING + "#", "m"), None)]
    copy.write_bytes(path.read_bytes().replace(b"Multan", b"multan", 1))
    others.append(inputs_of(copy, mapping, None))
    assert len({first.content, *(other.content for other in others)}) == 4
    assert 0 <= first.seed < 2**31


def test_rejects_never_overwrite_the_file_and_old_ones_are_cleared(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "orders.csv", [row(1, 1), row(2, 2, Qty="x")])
    inputs = inputs_of(path, parse_mapping(MAPPING, "m"), None)
    with pytest.raises(ImportFileError, match="is the file to import"):
        read_inputs(inputs, path, None, lambda rows, share: None)
    with pytest.raises(ImportFileError, match=r"cannot be written .*--rejects"):
        read_inputs(inputs, tmp_path / "none" / "r.csv", None, lambda rows, share: None)
    read(path)
    rejected = tmp_path / "rejected.csv"
    assert rejected.exists()
    write_csv(path, [row(1, 1)])
    read(path)
    assert not rejected.exists()
    rejected.write_text("mine")
    read(path)
    assert rejected.read_text() == "mine"


def test_bytes_that_are_no_text_stand_unchanged_among_the_rejected(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    write_csv(path, [row(1, 1), row(2, 2, Shop="caf\udce9")], encoding="utf-8-sig", errors="surrogateescape")
    assert read(path).rejected == {"encoding": 1}
    assert b"caf\xe9" in (tmp_path / "rejected.csv").read_bytes()
