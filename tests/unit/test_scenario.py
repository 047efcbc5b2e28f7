"""A scenario file is taken as it is, or refused in one line that says how to mend it."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from flashsale.errors import ScenarioError
from flashsale.scenario import load_scenario, parse_scenario
from tests.support.scenarios import SMALL

SALES = sorted((Path(__file__).parents[2] / "configs" / "sales").glob("*.toml"))


def refusal(old: str, new: str) -> str:
    assert SMALL.count(old) >= 1, f"the small scenario has no {old!r}"
    with pytest.raises(ScenarioError) as caught:
        parse_scenario(SMALL.replace(old, new, 1), "configs/sales/x.toml")
    text = str(caught.value)
    assert text.startswith("scenario configs/sales/x.toml: ")
    assert "\n" not in text
    return text.removeprefix("scenario configs/sales/x.toml: ")


@pytest.mark.parametrize("path", SALES, ids=lambda path: path.stem)
def test_scenarios_of_the_repository_are_valid_and_named_like_their_file(path: Path) -> None:
    scenario = load_scenario(path)
    assert scenario.name == path.stem
    assert scenario.text == path.read_text()


@pytest.mark.parametrize("path", SALES, ids=lambda path: path.stem)
def test_every_key_of_a_scenario_is_explained_beside_it_or_above(path: Path) -> None:
    explained: set[str] = set()
    for line in path.read_text().splitlines():
        if line.startswith("#"):
            explained |= {word.strip(":,;") for word in line[1:].split()}
        key, _, value = (part.strip() for part in line.partition("="))
        if value and key.isidentifier():
            assert "#" in value or key in explained, f"{path.name}: {key} is not explained"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("count = 12", "count = 0", "products.count must be 1..1000000, got 0"),
        ("count = 12", "count = 1_000_000", "products.count must be 1..500000 with 2 warehouses, got 1000000"),
        ("count = 12", "count = 1.5", "products.count must be a whole number, got 1.5"),
        ("count = 12", "count = true", "products.count must be a whole number, got True"),
        ("count = 12", 'count = "12"', 'products.count must be a whole number, got "12"'),
        ("count = 12\n", "", "products.count is missing"),
        ("count = 12", "cuont = 12", "products.cuont is not a known key"),
        ('name = "test_small"', 'name = "Test"', 'name must match ^[a-z0-9_]{1,20}$, got "Test"'),
        ("seed = 7", "seed = -1", "seed must be 0..2147483647, got -1"),
        ("shards = 2", "shards = 65", "shards must be 1..64, got 65"),
        ("shards = 2", 'shards = 2\ntext = "x"', "text is not a known key"),
        ("weight = 1.0", "weight = 0.0", "products.categories[0].weight must be above 0, at most 1000, got 0.0"),
        ("orders_per_second = 40.0", "orders_per_second = inf", "demand.orders_per_second must be a finite number"),
        ("orders_per_second = 40.0", "orders_per_second = nan", "demand.orders_per_second must be a finite number"),
        ("stocked_share = 0.7", "stocked_share = 1.01", "stock.stocked_share must be 0..1, got 1.01"),
        ('"Multan"]', '"Oz"]', "cities.names[2] must be one of Karachi, Lahore"),
        ('"Multan"]', '"Lahore"]', 'cities.names must not repeat, got "Lahore" twice'),
        ('city = "Lahore"', 'city = "Quetta"', 'warehouses[1].city must be one of cities.names, got "Quetta"'),
        ('name = "Toys"', 'name = "Audio"', 'products.categories.name must not repeat, got "Audio" twice'),
        ('["Audio"]', '["Phones"]', "campaigns[1].categories must name categories of this scenario"),
        ("price_max = 20_000.0", "price_max = 2.0", "products.categories[0].price_max must be at least price_min"),
        ("cost_share_max = 0.8", "cost_share_max = 0.2", "products.cost_share_max must be 0.5..1, got 0.2"),
        ("starts_at_minute = 2", "starts_at_minute = 10", "campaigns[1].starts_at_minute must be 0..9, got 10"),
        ("duration_minutes = 4", "duration_minutes = 9", "campaigns[1].duration_minutes must be 1..8 to end"),
        ("[[0, 2000]]", "[[0, 2000, 1]]", "campaigns[1].intensity must list [minute, permille] pairs"),
        ("[[0, 2000]]", "[[3, 1], [1, 1]]", "campaigns[1].intensity must list rising minutes, got [3, 1]"),
        ("[[0, 2000]]", "[[0, 100_001]]", "campaigns[1].intensity[0][1] must be 0..100000, got 100001"),
        ("[[0, 2000]]", "[]", "campaigns[1].intensity must have 1..1000 entries, got 0"),
        ("[[0, 2000]]", "7", "campaigns[1].intensity must be an array [...], got 7"),
        ("[demand]", "[demand", "is not valid TOML: "),
    ],
)
def test_a_mistake_is_named_with_key_value_and_range(old: str, new: str, message: str) -> None:
    assert refusal(old, new).startswith(message)


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match=r"cannot be read \(No such file or directory\)"):
        load_scenario(tmp_path / "none.toml")


def test_a_file_that_is_no_text_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_bytes(b'name = "\xff"')
    with pytest.raises(ScenarioError, match=r"is not UTF-8 text \(byte 8\)"):
        load_scenario(path)


def test_a_scenario_cannot_be_changed() -> None:
    scenario = parse_scenario(SMALL, "x")
    with pytest.raises(ValidationError):
        scenario.seed = 8  # type: ignore[misc]
