"""Stock events follow from opening stock and orders, as a plain count by hand would have them."""

from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from flashsale.minutes import from_epoch_ms
from generator.importing.bad_cells import ImportFileError
from generator.importing.dimensions import dimension_documents
from generator.importing.mapping import parse_mapping
from generator.importing.reading import Read, inputs_of, read_inputs
from generator.importing.replay_ticks import ReplayTicks
from tests.support.order_files import MAPPING, Row, many_rows, row, write_csv

STOCK = '[stock]\nfile = "stock.csv"\nproduct = "SKU"\nwarehouse = "Where"\non_hand = "Units"\n'
TEXT = MAPPING.replace("[time]", STOCK + "[time]")


def read(folder: Path, rows: list[Row], stock: list[tuple[str, str, str]] | None, text: str = TEXT) -> Read:
    path = write_csv(folder / "orders.csv", rows)
    if stock is not None:
        write_csv(folder / "stock.csv", stock, ("SKU", "Where", "Units"))
    inputs = inputs_of(path, parse_mapping(text, "m", folder), None)
    return read_inputs(inputs, folder / "rejected.csv", None, lambda rows, share: None)


def by_hand(found: Read, opening: dict[tuple[int, int], int]) -> dict[tuple[int, int, int], int]:
    """(tick, product, warehouse) -> units left, counted order by order."""
    orders = found.table.orders
    left, before = dict(opening), dict(opening)
    sold: dict[int, set[tuple[int, int]]] = defaultdict(set)
    events: dict[tuple[int, int, int], int] = {(0, *pair): units for pair, units in opening.items()}
    last_tick = int(found.table.tick[-1])
    at_end: dict[int, dict[tuple[int, int], int]] = {}
    for i in range(len(found.table)):
        tick, pair = int(found.table.tick[i]), (int(orders.product_id[i]), int(orders.warehouse_id[i]))
        if found.table.again[i] or pair not in left:
            continue
        left[pair] -= int(orders.qty[i])
        sold[tick].add(pair)
        at_end[tick] = {key: max(0, units) for key, units in left.items()}
    for tick in range(last_tick + 1):
        for pair in sold[tick]:
            if at_end[tick][pair] != before[pair]:
                events[(tick, *pair)] = before[pair] = at_end[tick][pair]
    return events


def test_events_are_those_of_a_count_by_hand(tmp_path: Path) -> None:
    rows = [*many_rows(3_000, 120), row(5, 30), row(6, 31, Qty="4")]
    stock = [(f"AB-{n:02d}", where, str(100 * n)) for n in range(6) for where in ("Karachi South", "lahore east")]
    found = read(tmp_path, rows, stock)
    events, tick = found.events
    opening = {(n + 1, house): 100 * n for n in range(6) for house in (1, 2)}
    left = by_hand(found, opening)
    assert {
        (int(t), int(p), int(w)): int(u)
        for t, p, w, u in zip(tick, events.product_id, events.warehouse_id, events.on_hand, strict=True)
    } == left
    assert len(tick) == len(left) > 300
    assert (np.diff(tick) >= 0).all()
    assert len(set(events.event_id.tolist())) == len(tick)
    assert (events.ts - found.table.start_ms >= tick * 1000).all()
    assert (events.ts - found.table.start_ms < (tick + 1) * 1000).all()
    assert min(left.values()) == 0
    assert not events.reserved.any()
    assert not events.delay.any()


def test_every_listed_pair_has_an_event_at_the_start_also_without_orders(tmp_path: Path) -> None:
    rows = [row(7, 10, SKU="a", Ships_from="Karachi South", Qty="1"), row(8, 12, SKU="b", Ships_from="Lahore East")]
    found = read(tmp_path, rows, [("a", "Karachi South", "5"), ("a", "Lahore East", "0"), ("z", "Lahore East", "9")])
    events, tick = found.events
    assert list(zip(tick.tolist(), events.product_id.tolist(), events.warehouse_id.tolist(), events.on_hand.tolist(),
                    strict=True)) == [(0, 1, 1, 4), (0, 1, 2, 0)]  # fmt: skip
    assert found.stock_rows_unused == 1


def test_bad_stock_rows_are_told_and_kept_apart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stock = [
        ("a", "Karachi South", "5"),
        ("a", "KARACHI SOUTH", "6"),
        ("a", "Mars", "1"),
        ("a", "Lahore East", "-1"),
        ("", "Lahore East", "1"),
    ]
    found = read(tmp_path, [row(1, 1, SKU="a")], stock)
    assert found.stock_rows_rejected == 4
    assert found.rejected == {}
    lines = (tmp_path / "stock.rejected.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in lines] == ["line", "3", "4", "5", "6"]
    assert "stands in an earlier row with the same warehouse" in lines[1]
    assert f"{tmp_path / 'stock.csv'}:4: column 'Where': \"Mars\" is not in [[warehouses]]" in capsys.readouterr().err


def test_a_stock_file_that_is_not_there_is_one_error(tmp_path: Path) -> None:
    with pytest.raises(ImportFileError, match=r"stock\.csv: cannot be read"):
        read(tmp_path, [row(1, 1)], None)


def test_without_stock_nothing_is_said_of_it(tmp_path: Path) -> None:
    assert len(read(tmp_path, many_rows(50, 5), None, MAPPING).events[1]) == 0


def test_dimensions_come_from_the_file_or_are_derived(tmp_path: Path) -> None:
    rows = [
        row(n, n, SKU="a", Qty="1" if n < 3 else "2", Unit_price=price, City=city, Shop=cost)
        for n, (price, city, cost) in enumerate(
            [("10", "Quetta", ""), ("30", "quetta", "7.77"), ("20", "Lahore", "8"), ("99", "Lahore", "9")]
        )
    ] + [row(9, 9, SKU="b", Unit_price="0", City="Lahore", Shop="")]
    text = MAPPING.replace('seller = "Shop"', 'unit_cost = "Shop"\nproduct_name = "City"')
    found = read(tmp_path, rows, None, text)
    mapping = parse_mapping(text, "m")
    start = from_epoch_ms(found.table.start_ms)
    dimensions, derived = dimension_documents(found.rows, found.table, mapping, start)
    assert dimensions.products == [
        {"_id": 1, "name": "Quetta", "category": "All products", "base_price": 2_000, "unit_cost": 777},
        {"_id": 2, "name": "Lahore", "category": "All products", "base_price": 1, "unit_cost": 1},
    ]
    assert derived == {"category": 2, "base_price": 2, "unit_cost": 1}
    assert [(city["_id"], city["city"]) for city in dimensions.cities] == [(1, "Karachi"), (2, "Lahore"), (3, "Quetta")]
    assert [(w["_id"], w["name"], w["city_id"]) for w in dimensions.warehouses] == [
        (1, "Karachi South", 1),
        (2, "Lahore East", 2),
    ]


def test_campaigns_name_products_as_the_file_does(tmp_path: Path) -> None:
    campaign = (
        '[[campaigns]]\nname = "c"\nproducts = ["AB-03"]\ndiscount_pct = 10.0\nstarts_at_minute = 1\n'
        "duration_minutes = 3\nintensity = [[0, 1000], [2, 3000]]\n"
    )
    text = MAPPING + campaign
    found = read(tmp_path, many_rows(50, 600), None, text)
    start = from_epoch_ms(found.table.start_ms)
    (document,) = dimension_documents(found.rows, found.table, parse_mapping(text, "m"), start)[0].campaigns
    assert (document["products"], document["planned_intensity"]) == ([4], [1000, 2000, 3000])
    assert (document["ends_at"] - start).total_seconds() == 240
    for old, new in (('"AB-03"', '"AB-99"'), ('products = ["AB-03"]', 'categories = ["Audio"]')):
        wrong = parse_mapping(text.replace(old, new), "m")
        with pytest.raises(ImportFileError, match=r"campaigns\[0\]"):
            dimension_documents(found.rows, found.table, wrong, start)


def test_portions_are_whole_seconds_and_hold_every_fact_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stock = [(f"AB-{n:02d}", "Karachi South", "50") for n in range(6)]
    found = read(tmp_path, [*many_rows(2_000, 300), row(5, 30), row(6, 31, Qty="4")], stock)
    start_ms = found.table.start_ms + 86_400_000
    seen: dict[tuple[int, int], list[bytes]] = {}
    for facts, ticks in ((50_000, 600), (40, 120), (1, 3)):
        monkeypatch.setattr("generator.importing.replay_ticks.BATCH_FACTS", facts)
        monkeypatch.setattr("generator.importing.replay_ticks.BATCH_TICKS", ticks)
        replay = ReplayTicks(found.table, found.events, start_ms)
        tick, orders, events, documents = 0, 0, 0, 0
        rows: list[bytes] = []
        while tick < 300:
            portion = replay.portion(tick, 300)
            assert portion.next_tick > tick
            assert len(portion.ticks) <= ticks
            tick = portion.next_tick
            orders, events = orders + portion.orders, events + portion.events
            for write in portion.ticks:
                rows += [block.rows.tobytes() for block in write.blocks]
                documents += sum(map(len, write.documents.values()))
        assert (orders, events, documents) == (2_002, len(found.events[1]), 2)
        seen[facts, ticks] = rows
    assert len({b"".join(rows) for rows in seen.values()}) == 1
