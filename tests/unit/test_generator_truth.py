"""The truth: lost demand, stockouts and intensity as the simulation knows them, gathered, written and shown."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyarrow import parquet

from flashsale.errors import FlashsaleError
from flashsale.minutes import iso
from flashsale.sale_opening import new_sale
from flashsale.scenario import parse_scenario
from generator import cli
from generator.shard_state import ShardState, TickFacts, Totals
from generator.simulation import opening_state, step
from generator.truth import command as truth_command
from generator.truth.actual_intensity import intensity_minutes
from generator.truth.again import Replay
from generator.truth.export import export
from generator.truth.ledger_check import SentCounter, StoredLedger, compare
from generator.truth.log import LatentMinute, TruthLog
from generator.truth.tables import TABLES
from generator.world import open_worlds
from tests.support.scenarios import SMALL

ROOT = Path(__file__).parents[2]
START = datetime(2026, 11, 11, 9, 0, 20, tzinfo=UTC)
"""Not at the start of a minute: minutes of the clock and of the sale differ."""
TROUBLED = (
    SMALL
    + """
[[outages]]
warehouse = "Lahore East"
starts_at_minute = 2
duration_minutes = 2

[[bots]]
name = "resellers"
products = [3, 4]
city = "Multan"
seller = 2
starts_at_minute = 1
duration_minutes = 2
orders_per_second = 3.0
quantity = 2

[phantom]
pairs_share = 0.6
missing_share_max = 0.9
count_after_minutes = 4.0
"""
)
FAULTS = """
[faults]
late_share = 0.05
out_of_order_share = 0.05
duplicate_share = 0.05
conflict_share = 0.05
skewed_share = 0.05
malformed_share = 0.05
"""
TICKS = 600


def replay_of(text: str, start: datetime = START) -> Replay:
    scenario = parse_scenario(text, "x")
    return Replay.of(new_sale(scenario, start), scenario)


@dataclass(frozen=True)
class Known:
    """A sale as simulated tick by tick, and what the log made of it."""

    replay: Replay
    states: list[list[ShardState]]
    ticks: list[list[TickFacts]]
    log: TruthLog
    minutes: list[LatentMinute]


@pytest.fixture(scope="module")
def known() -> Known:
    replay = replay_of(TROUBLED)
    states = [[opening_state(world) for world in replay.worlds]]
    ticks: list[list[TickFacts]] = []
    for _ in range(TICKS):
        totals = Totals.of(state.aggregate for state in states[-1])
        done = [step(world, state, totals) for world, state in zip(replay.worlds, states[-1], strict=True)]
        states.append([state for state, _ in done])
        ticks.append([facts for _, facts in done])
    log = TruthLog(replay.worlds)
    minutes = [minute for tick in ticks if (minute := log.add(tick)) is not None]
    last = log.finish()
    assert last is not None
    return Known(replay, states, ticks, log, [*minutes, last])


def test_minutes_are_those_of_the_clock(known: Known) -> None:
    starts = [datetime.fromtimestamp(minute.start_ms / 1000, UTC) for minute in known.minutes]
    first = START.replace(second=0)
    assert starts == [first + timedelta(minutes=i) for i in range(11)]


def test_sold_units_are_the_orders_of_each_pair_and_minute(known: Known) -> None:
    expected: Counter[tuple[int, int, int]] = Counter()
    for tick in known.ticks:
        for orders in (facts.orders for facts in tick):
            for product, warehouse, qty, ts in zip(
                orders.product_id.tolist(),
                orders.warehouse_id.tolist(),
                orders.qty.tolist(),
                orders.ts.tolist(),
                strict=True,
            ):
                expected[ts // 60_000 * 60_000, product, warehouse] += qty
    found = {
        (minute.start_ms, product, warehouse): sold
        for minute in known.minutes
        for product, warehouse, sold in zip(
            minute.product_id.tolist(), minute.warehouse_id.tolist(), minute.sold.tolist(), strict=True
        )
        if sold
    }
    assert found == expected
    assert known.log.totals.units == sum(expected.values())


def test_what_was_sold_has_left_is_reserved_or_was_cancelled(known: Known) -> None:
    """Unit by unit for each pair: sold = shipped + cancelled + still reserved."""
    for shard, world in enumerate(known.replay.worlds):
        balance = known.states[-1][shard].reserved.ravel().copy()
        for tick in known.ticks:
            truth = tick[shard].truth
            balance[truth.shipped.key] += truth.shipped.units
            balance[truth.cancelled.key] += truth.cancelled.units
        for minute in known.minutes:
            own = np.isin(minute.product_id, world.product_id)
            key = np.searchsorted(world.product_id, minute.product_id[own]) * world.shape[1]
            np.subtract.at(balance, key + minute.warehouse_id[own] - 1, minute.sold[own])
        assert not balance.any()


def test_lost_bot_and_cancelled_units_add_up_to_the_ticks(known: Known) -> None:
    totals = known.log.totals
    for name, column, total in (
        ("lost", "lost", totals.lost_units),
        ("bots", "bot", totals.bot_units),
        ("cancelled", "cancelled", totals.cancelled_units),
    ):
        expected = sum(getattr(facts.truth, name).total() for tick in known.ticks for facts in tick)
        assert expected > 0, name
        assert sum(int(getattr(minute, column).sum()) for minute in known.minutes) == expected == total
    assert totals.written_off_units >= totals.cancelled_units
    assert all((minute.bot <= minute.sold).all() for minute in known.minutes)


def test_units_are_lost_only_where_nothing_can_be_sold(known: Known) -> None:
    """A pair loses units in a tick only if it has nothing left after it, or its warehouse is down."""
    for number, tick in enumerate(known.ticks):
        for shard, facts in enumerate(tick):
            world, state = known.replay.worlds[shard], known.states[number + 1][shard]
            left = (state.on_hand - state.reserved).ravel()[facts.truth.lost.key]
            down = world.happenings.down(number)
            closed = np.zeros(len(left), bool) if down is None else down[facts.truth.lost.key % world.shape[1]]
            assert (closed | (left <= 0)).all()


def test_lost_value_is_at_the_mean_price_of_the_minute(known: Known) -> None:
    prices = known.replay.market.products.base_price
    for minute in known.minutes:
        some = minute.lost > 0
        unit = minute.lost_value[some] / minute.lost[some]
        base = prices[minute.product_id[some] - 1]
        # 20 % off throughout, 40 % off for Audio in the middle.
        assert ((unit >= 0.6 * base - 1) & (unit <= 0.8 * base + 1)).all()
    assert known.log.totals.lost_value == sum(int(minute.lost_value.sum()) for minute in known.minutes)


def test_stockouts_are_the_spans_without_stock_on_record(known: Known) -> None:
    """Looked at second by second; within its second a stockout begins with the last order that got something."""
    spans: set[tuple[int, int, int, int | None]] = set()
    for shard, world in enumerate(known.replay.worlds):
        left = np.array([(states[shard].on_hand - states[shard].reserved).ravel() for states in known.states])
        for key in np.flatnonzero(world.stocked.ravel()).tolist():
            empty = np.concatenate([[False], left[1:, key] <= 0, [False]])
            edges = np.flatnonzero(np.diff(empty.astype(int)))
            pair = int(world.product_id[key // world.shape[1]]), key % world.shape[1] + 1
            for first, after in edges.reshape(-1, 2).tolist():
                spans.add((*pair, first, None if after == TICKS else after))
    start_ms = int(START.timestamp() * 1000)
    stockouts = known.log.stockouts()
    found = {
        (
            one.product_id,
            one.warehouse_id,
            (one.sold_out_ms - start_ms) // 1000,
            None if one.available_again_ms is None else (one.available_again_ms - start_ms) // 1000,
        )
        for one in stockouts
    }
    assert len(stockouts) == len(found) > 10
    assert found == spans
    assert any(one.available_again_ms is not None for one in stockouts)
    assert known.log.sold_out_pairs == sum(one.available_again_ms is None for one in stockouts)


def test_a_stockout_begins_with_the_last_order_that_got_something(known: Known) -> None:
    last: dict[tuple[int, int, int], int] = {}
    for tick in known.ticks:
        for facts in tick:
            orders = facts.orders
            for product, warehouse, ts in zip(orders.product_id, orders.warehouse_id, orders.ts, strict=True):
                last[int(product), int(warehouse), int(ts) // 1000] = int(ts)
    sold_by_order = [
        one.sold_out_ms == last[one.product_id, one.warehouse_id, one.sold_out_ms // 1000]
        for one in known.log.stockouts()
        if (one.product_id, one.warehouse_id, one.sold_out_ms // 1000) in last
    ]
    assert len(sold_by_order) > 5
    assert all(sold_by_order)


def test_intensity_is_the_hidden_one() -> None:
    replay = replay_of(SMALL + "[uncertainty]\nsigma = 0.4\nshift_minutes = 1.5\n")
    minutes = intensity_minutes(replay, 10)
    hidden = replay.worlds[0].hidden
    assert np.array_equal([one.factor for one in minutes], hidden.factor.T)
    assert all(np.array_equal(one.shift_minutes, hidden.shift) for one in minutes)
    # Toys have the opening campaign alone: its curve, shifted, times the factor.
    toys = 1
    curve = np.rint(np.interp(np.arange(10), [0, 5], [1000, 1500])) / 1000
    assert [one.planned[toys] for one in minutes] == pytest.approx(curve)
    shifted = np.interp(np.arange(10) - hidden.shift[toys], np.arange(10), curve)
    assert [one.actual[toys] for one in minutes] == pytest.approx(shifted * hidden.factor[toys])
    audio = [one.planned[0] / one.planned[toys] for one in minutes]
    assert audio == pytest.approx([1, 1, 2, 2, 2, 2, 1, 1, 1, 1])


def test_faults_change_nothing_of_the_truth() -> None:
    calm, faulty = replay_of(TROUBLED), replay_of(TROUBLED + FAULTS)
    logs = [TruthLog(one.worlds) for one in (calm, faulty)]
    for log, one in zip(logs, (calm, faulty), strict=True):
        for tick in one.ticks(150):
            log.add(tick)
        log.finish()
    assert logs[0].totals == logs[1].totals


def test_sent_documents_are_counted_with_their_faults() -> None:
    """As the writer meets them: each row and each stray of the faulty simulation, in the minute of its arrival."""
    faulty = replay_of(TROUBLED + FAULTS)
    counter = SentCounter(faulty)
    assert sum(1 for _ in counter.counting(faulty.ticks(TICKS))) == TICKS
    worlds = open_worlds(faulty.scenario, faulty.sale)
    states, expected = [opening_state(world) for world in worlds], Counter[tuple[datetime, int]]()
    for tick in range(TICKS):
        totals = Totals.of(state.aggregate for state in states)
        done = [step(world, state, totals) for world, state in zip(worlds, states, strict=True)]
        states = [state for state, _ in done]
        minute = (START + timedelta(seconds=tick)).replace(second=0)
        for shard, (_, facts) in enumerate(done):
            strays = sum(map(len, facts.strays.values()))
            expected[minute, shard] += len(facts.orders.ts) + len(facts.inventory.ts) + strays
    assert counter.sent == expected


def stored(counter: SentCounter, acked_through: datetime) -> StoredLedger:
    return StoredLedger(dict(counter.sent), {0: acked_through, 1: acked_through})


def test_only_whole_minutes_are_compared() -> None:
    replay = replay_of(SMALL)
    counter = SentCounter(replay)
    for _ in counter.counting(replay.ticks(200)):
        pass
    end = START + timedelta(seconds=200)
    assert compare(counter, stored(counter, end), replay.sale, 200).compared == 3
    assert compare(counter, stored(counter, START + timedelta(seconds=100)), replay.sale, 200).compared == 2
    assert compare(counter, StoredLedger({}, {}), replay.sale, 200).compared == 0
    # A minute that runs on in the store is not whole here.
    more = stored(counter, end + timedelta(minutes=5))
    more.sent[START.replace(second=0, minute=3), 0] += 7
    assert not compare(counter, more, replay.sale, 200).differing


def test_one_fact_more_in_any_minute_is_another_sale() -> None:
    replay = replay_of(SMALL)
    counter = SentCounter(replay)
    for _ in counter.counting(replay.ticks(TICKS)):
        pass
    ended = replay.sale.sale_end
    whole = compare(counter, stored(counter, ended), replay.sale, TICKS)
    assert (whole.compared, whole.differing) == (11, [])
    for minute in (START.replace(second=0), START.replace(second=0, minute=10), START.replace(second=0, minute=11)):
        other = stored(counter, ended)
        other.sent[minute, 1] = other.sent.get((minute, 1), 0) + 1
        assert [one[0] for one in compare(counter, other, replay.sale, TICKS).differing] == [minute]
    missing = stored(counter, ended)
    del missing.sent[START.replace(second=0, minute=4), 0]
    assert len(compare(counter, missing, replay.sale, TICKS).differing) == 1


Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    """``command(*arguments)`` -> (exit code, stdout, stderr) of flashsale-generate truth."""
    monkeypatch.setattr(cli, "COMMANDS", (truth_command,))

    def run(*arguments: str | Path) -> tuple[int, str, str]:
        capsys.readouterr()
        code = cli.main(["truth", *(str(one) for one in arguments)])
        return code, *capsys.readouterr()

    return run


@pytest.fixture
def troubled_file(tmp_path: Path) -> Path:
    path = tmp_path / "troubled.toml"
    path.write_text(TROUBLED)
    return path


def test_export_without_mongodb_holds_what_the_log_knows(
    command: Command, troubled_file: Path, tmp_path: Path, known: Known
) -> None:
    folder = tmp_path / "truth"
    code, out, err = command("export", "--scenario", troubled_file, "--start", iso(START), "--to", folder)
    assert (code, err, out.count("\n")) == (0, "", 1)
    assert {path.name for path in folder.iterdir()} == {"manifest.json", *(f"{name}.parquet" for name in TABLES)}
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["sale_start"] == iso(START)
    assert (manifest["through_tick"], manifest["complete"], manifest["ledger"]) == (599, True, None)
    for name, schema in TABLES.items():
        table = parquet.read_table(folder / f"{name}.parquet")
        assert table.schema.equals(schema)
        entry = manifest["files"][f"{name}.parquet"]
        assert entry["rows"] == table.num_rows > 0
        assert entry["sha256"] == hashlib.sha256((folder / f"{name}.parquet").read_bytes()).hexdigest()
        assert parquet.ParquetFile(folder / f"{name}.parquet").metadata.row_group(0).column(0).compression == "ZSTD"
    latent = parquet.read_table(folder / "latent_demand.parquet").to_pydict()
    expected: dict[str, list[Any]] = {name: [] for name in latent}
    for minute in known.minutes:
        expected["minute"] += [datetime.fromtimestamp(minute.start_ms / 1000, UTC)] * len(minute.product_id)
        for name, column in (
            ("product_id", minute.product_id),
            ("warehouse_id", minute.warehouse_id),
            ("sold_units", minute.sold),
            ("bot_units", minute.bot),
            ("cancelled_units", minute.cancelled),
            ("lost_units", minute.lost),
            ("lost_value", minute.lost_value),
        ):
            expected[name] += column.tolist()
    assert latent == expected
    stockouts = parquet.read_table(folder / "stockouts.parquet").to_pylist()
    assert [row["sold_out_at"].timestamp() * 1000 for row in stockouts] == pytest.approx(
        [one.sold_out_ms for one in known.log.stockouts()]
    )
    intensity = parquet.read_table(folder / "intensity.parquet")
    assert intensity.num_rows == 20
    assert intensity["starts_at"][2].as_py() == START + timedelta(minutes=1)


def test_export_up_to_a_moment_is_the_beginning_of_the_whole(
    command: Command, troubled_file: Path, tmp_path: Path, known: Known
) -> None:
    until = START + timedelta(seconds=100)
    arguments = ("--scenario", troubled_file, "--start", iso(START), "--until", iso(until), "--to", tmp_path / "part")
    assert command("export", *arguments)[0] == 0
    manifest = json.loads((tmp_path / "part" / "manifest.json").read_text())
    assert (manifest["through"], manifest["complete"]) == (iso(until), False)
    first = parquet.read_table(tmp_path / "part" / "latent_demand.parquet").filter(
        parquet.read_table(tmp_path / "part" / "latent_demand.parquet")["minute"].cast("int64").to_numpy()
        == known.minutes[0].start_ms
    )
    assert first["sold_units"].to_pylist() == known.minutes[0].sold.tolist()


def test_an_export_that_is_refused_leaves_the_folder_as_it_was(tmp_path: Path) -> None:
    replay = replay_of(SMALL)
    export(replay, 30, tmp_path, replay.ticks(30), lambda: None)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def refuse() -> None:
        raise FlashsaleError("another sale")

    with pytest.raises(FlashsaleError, match="another sale"):
        export(replay, 60, tmp_path, replay.ticks(60), refuse)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_summary_tells_the_totals(command: Command, troubled_file: Path, known: Known) -> None:
    arguments = ("summary", "--scenario", troubled_file, "--start", iso(START), "--top", "4")
    code, out, err = command(*arguments, "--json")
    assert (code, err, out.count("\n")) == (0, "", 1)
    facts, totals = json.loads(out), known.log.totals
    assert (facts["orders"], facts["units"], facts["value_minor"]) == (totals.orders, totals.units, totals.value)
    assert facts["lost_units_share"] == pytest.approx(
        totals.lost_units / (totals.lost_units + totals.units - totals.bot_units), abs=1e-4
    )
    assert facts["sold_out_pairs"] == known.log.sold_out_pairs
    first = known.log.stockouts()[0]
    assert facts["first_stockouts"][0]["sold_out_at"] == iso(datetime.fromtimestamp(first.sold_out_ms / 1000, UTC))
    assert len(facts["first_stockouts"]) == 4
    code, out, _ = command(*arguments)
    assert code == 0
    assert f"{totals.lost_units:,}" in out
    assert all(len(line) <= 140 for line in out.splitlines())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("export", "--scenario", "FILE"), "--scenario needs --start T and --to DIR"),
        (("summary", "--start", "2026-11-11"), "--start goes with --scenario FILE"),
        (("summary", "--scenario", "FILE", "--start", "2026-11-11", "--until", "2026-11-10"), "nothing of it"),
        (("summary", "--scenario", "/nowhere.toml"), "cannot be read"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    command: Command, troubled_file: Path, arguments: tuple[str, ...], said: str
) -> None:
    code, out, err = command(*(str(troubled_file) if one == "FILE" else one for one in arguments))
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert said in err


def test_the_documentation_names_every_column() -> None:
    text = (ROOT / "docs/generator.md").read_text()
    for name, schema in TABLES.items():
        assert f"`{name}.parquet`" in text
        for field in schema:
            described = field.metadata[b"description"].decode()
            assert f"| `{field.name}` | {field.type} | {described} |" in text, (name, field.name)
