"""The file of costs and lead times: complete, commented, and wrong in one line."""

import re
from pathlib import Path

import pytest

from flashsale.decisions.rules import AlertRules, DecisionRules, load_decision_rules
from flashsale.errors import SettingsError

STORED = Path("configs/decisions.toml")


def broken(tmp_path: Path, old: str, new: str) -> str:
    """The message of the stored file with one line changed."""
    text = STORED.read_text()
    assert text.count(old) == 1
    path = tmp_path / "decisions.toml"
    path.write_text(text.replace(old, new))
    with pytest.raises(SettingsError) as raised:
        load_decision_rules(path)
    message = str(raised.value)
    assert "\n" not in message
    assert str(path) in message
    return message


def test_the_stored_file_names_every_key_once_with_a_comment() -> None:
    lines = [line for line in STORED.read_text().splitlines() if re.match(r"[a-z_]+ =", line)]
    assert all("#" in line for line in lines)
    tables = load_decision_rules(STORED).model_dump()
    keys = [key for table in tables.values() if isinstance(table, dict) for key in table]
    assert len(lines) == len(keys) + sum(not isinstance(table, dict) for table in tables.values())


def test_alert_rules_of_the_file_are_the_defaults() -> None:
    assert load_decision_rules(STORED).alerts == AlertRules()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("accept_share = 0.6 ", "accept_share = 1.6 ", "reroute.accept_share must be 0..1, got 1.6"),
        ("max_qty = 5_000 ", "max_qty = 0 ", "restock.max_qty must be 1..1000000, got 0"),
        ("max_qty = 5_000 ", "max_qty = 1.5 ", "restock.max_qty must be a whole number, got 1.5"),
        ("donor_sold_out_max = 0.05 ", "donor_sold_out_max = 0.0 ", "above 0, at most 0.5, got 0.0"),
        ("goodwill_share = 0.02 ", 'goodwill_share = "2 %" ', 'shortage.goodwill_share must be a number, got "2 %"'),
        ("lead_minutes = 30.0 ", "lead_minuts = 30.0 ", "restock.lead_minuts is not a known key"),
        ("horizon_minutes = 60 ", "# ", "horizon_minutes is missing"),
        ("order_cost = 2_500.0 ", "order_cost = inf ", "restock.order_cost must be a finite number, got inf"),
        ("raise_after = 2 ", "raise_after = 0 ", "alerts.raise_after must be 1..60, got 0"),
        ("[alerts]", "[alerts", "not valid TOML"),
    ],
)
def test_a_wrong_line_is_named_with_key_value_and_range(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert message in broken(tmp_path, old, new)


def test_a_missing_file_and_a_file_of_bytes_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"cannot be read \(No such file"):
        load_decision_rules(tmp_path / "none.toml")
    (tmp_path / "bytes.toml").write_bytes(b"a = \xff")
    with pytest.raises(SettingsError, match="not UTF-8"):
        load_decision_rules(tmp_path / "bytes.toml")


def test_rules_cannot_be_changed_in_place() -> None:
    loaded: DecisionRules = load_decision_rules(STORED)
    with pytest.raises(ValueError, match="frozen"):
        loaded.horizon_minutes = 5
