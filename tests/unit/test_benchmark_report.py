"""What a benchmark says: RESULT lines for machines, and its own section of docs/performance.md, nothing else's."""

from pathlib import Path

import pytest

from benchmarks import report
from benchmarks.projection import projection
from benchmarks.report import Figure, print_figures, write_section
from benchmarks.scaled_sale import Written, scaled_scenario
from flashsale.errors import FlashsaleError

FIGURE = Figure("insert_cpu_s", 12.345, "CPU s per 1 M facts", "mongod: insert")


@pytest.fixture
def performance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "performance.md"
    monkeypatch.setattr(report, "PERFORMANCE", path)
    return path


def test_result_lines_end_the_output(capsys: pytest.CaptureFixture[str]) -> None:
    print_figures([FIGURE, Figure("rows", 1234567.0, "", "rows")])
    lines = capsys.readouterr().out.splitlines()
    assert lines[-2:] == ["RESULT insert_cpu_s 12.3 - ok", "RESULT rows 1234567 - ok"]


def test_section_replaces_itself_and_leaves_the_rest(performance: Path) -> None:
    write_section("one", "One", "python -m one", "First.", [[FIGURE]])
    write_section("two", "Two", "python -m two", "Second.", [[FIGURE]])
    performance.write_text(performance.read_text() + "\nBy hand.\n")
    write_section("one", "One", "python -m one", "Anew.", [[FIGURE], [Figure("rows", 3.0, "", "rows")]])
    text = performance.read_text()
    assert "First." not in text
    assert "| rows | 3 | `rows` |" in text
    assert text.count("<!-- one: start -->") == text.count("<!-- one: end -->") == text.count("<!-- two: end -->") == 1
    assert text.index("Anew.") < text.index("Second.") < text.index("By hand.")


def test_a_lost_marker_is_told_and_nothing_written(performance: Path) -> None:
    performance.write_text("# Performance\n<!-- one: start -->\nold\n")
    with pytest.raises(FlashsaleError, match="one: end -->"):
        write_section("one", "One", "python -m one", "First.", [[FIGURE]])
    assert "First." not in performance.read_text()


def test_scaled_shop_grows_in_orders_products_and_capacity_alone() -> None:
    one, four = scaled_scenario(1), scaled_scenario(4)
    assert four.demand.orders_per_second == 4 * one.demand.orders_per_second
    assert (four.products.count, four.products.sellers) == (4 * one.products.count, 4 * one.products.sellers)
    for small, large in zip(one.warehouses, four.warehouses, strict=True):
        assert large.capacity_units_per_minute == 4 * small.capacity_units_per_minute
    assert four.stock == one.stock
    assert four.products.sellers_per_product_max == one.products.sellers_per_product_max


def test_projection_by_hand() -> None:
    """500 orders/s with one event for two orders, 100 pairs: 1 M orders/s are 1.5 M facts/s and 200,000 pairs."""
    names = {
        "inventory_events_per_order": 0.5, "generate_cpu_s_per_m_orders": 10, "insert_client_cpu_s_per_m_facts": 4,
        "checkpoint_client_cpu_ms_per_k_pairs": 5, "insert_mongod_cpu_s_per_m_facts": 8, "fact_disk_bytes": 60,
        "rollup_mongod_cpu_s_per_m_facts": 6, "archive_mongod_cpu_s_per_m_facts": 20, "fact_index_bytes": 40,
        "rollup_spark_cpu_s_per_m_facts": 20, "fact_bson_bytes": 160,
        "archive_client_cpu_s_per_m_facts": 2, "archive_hdfs_cpu_s_per_m_facts": 2, "parquet_bytes_per_order": 10,
        "parquet_bytes_per_event": 8, "snapshot_bytes": 30_000, "rollup_pw_bytes_per_pair": 25,
    }  # fmt: skip
    measured = [Figure(name, value, "", "") for name, value in names.items()]
    written = Written(orders=60_000, events=30_000, pairs=100, ticks=120)
    found = {figure.name: figure.value for figure in projection(measured, written)}
    assert found == pytest.approx(
        {
            "at_1m_facts_per_s": 1.5,
            "at_1m_pairs": 200_000,
            "at_1m_generator_cores": 10 + 6 + 1,
            "at_1m_mongod_insert_cores": 12,
            "at_1m_mongod_rollup_cores": 9,
            "at_1m_mongod_archive_cores": 30,
            "at_1m_spark_rollup_cores": 30,
            "at_1m_archive_task_cores": 3,
            "at_1m_hdfs_cores": 3,
            "at_1m_wire_mb_per_s": 240,
            "at_1m_mongod_gb_per_hour": 540,
            "at_1m_hdfs_gb_per_hour": 50.4,
            "at_1m_snapshot_mb": 60,
            "at_1m_rollup_document_mb": 5,
            "one_generator_orders_per_s": 1e6 / 17,
            "one_core_rollup_orders_per_s": 1e6 / 30,
        }
    )


def test_every_figure_scaling_md_names_is_one_of_the_benchmark() -> None:
    root = report.ROOT
    told = (root / "docs" / "scaling.md").read_text()
    known = {
        row.split("`")[1] for row in (root / "docs" / "performance.md").read_text().splitlines() if row.endswith("` |")
    }
    named = {word for word in told.replace("`", " ").replace(",", " ").split() if "_per_" in word or "at_1m" in word}
    assert len(named) >= 20
    assert named <= known
