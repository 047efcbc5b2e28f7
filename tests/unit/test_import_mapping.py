"""A mapping is taken as it is meant, or refused in one line that names file, key and value."""

from pathlib import Path

import pytest

from generator.importing.mapping import MappingError, load_mapping, parse_mapping
from generator.importing.mapping_rules import _tells_the_minute
from tests.support.order_files import MAPPING

EXAMPLE = Path(__file__).parents[2] / "configs" / "import" / "example.toml"


def refused(old: str, new: str) -> str:
    assert MAPPING.count(old) == 1, old
    with pytest.raises(MappingError) as caught:
        parse_mapping(MAPPING.replace(old, new), "orders.toml")
    text = str(caught.value)
    assert text.startswith("mapping orders.toml: ")
    assert "\n" not in text
    return text.removeprefix("mapping orders.toml: ")


def test_the_example_uses_every_key_and_says_its_meaning() -> None:
    mapping = load_mapping(EXAMPLE)
    assert mapping.columns.order_id == ("Order No", "Line")
    assert mapping.stock is not None
    assert mapping.campaigns[0].intensity == ((0, 2000), (10, 1500), (19, 1000))
    lines = EXAMPLE.read_text().splitlines()
    keys = {line.split("=")[0].strip("# ") for line in lines if "=" in line}
    for part in (type(mapping), *(type(getattr(mapping, name)) for name in ("file", "columns", "time", "money"))):
        missing = {
            name for name, field in part.model_fields.items() if not isinstance(getattr(mapping, name, ""), tuple)
        }
        assert {n for n in missing if f"[{n}]" not in EXAMPLE.read_text()} - keys <= {"text", "folder"}, part


def test_defaults_are_those_the_example_states() -> None:
    mapping = parse_mapping(MAPPING, "x")
    file = mapping.file
    assert (file.delimiter, file.quote, file.escape, file.encoding, file.decimal) == (",", '"', "", "utf-8", ".")
    assert (mapping.money.unit, mapping.money.minor_per_major, mapping.money.round) == ("major", 100, False)
    assert (mapping.defaults.category, mapping.defaults.unit_cost_share) == ("All products", 0.7)
    assert (mapping.sale.starts_at, mapping.sale.ends_at, mapping.stock, mapping.campaigns) == (None, None, None, ())


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('name = "shop"', 'name = "Shop!"', ["name must match", '"Shop!"']),
        ('name = "shop"', 'name = "a_name_of_fifteen"', ["name must match"]),
        ('name = "shop"', 'name = "shop"\ntext = "x"', ["text is not a known key"]),
        ('product = "SKU"', 'produkt = "SKU"', ["columns.produkt is not a known key"]),
        ('city = "City"\n', "", ["columns.city is missing"]),
        ('quantity = "Qty"', "quantity = 5", ["columns.quantity must be text in quotes, got 5"]),
        ('unit_price = "Unit price"', "", ["either unit_price or line_value"]),
        ('unit_price = "Unit price"', 'unit_price = "a"\nline_value = "b"', ["either unit_price or line_value"]),
        ('order_id = "Order No"', "order_id = [1]", ["columns.order_id[0] must be text in quotes, got 1"]),
        ('time = "Ordered at"', "time = []", ["columns.time must name a column"]),
        ('thousands = ","', 'thousands = "."', ["file.thousands", '"."']),
        ('thousands = ","', 'thousands = "0"', ["file.thousands", '"0"']),
        ('thousands = ","', 'encoding = "klingon"', ["file.encoding", '"klingon"']),
        ('thousands = ","', 'encoding = "base64"', ["file.encoding", '"base64"']),
        ('thousands = ","', 'delimiter = ";;"', ["file.delimiter must have 1..1 characters", '";;"']),
        ('thousands = ","', "delimiter = '\"'", ["delimiter, quote and escape must differ"]),
        ('thousands = ","', 'decimal = "x"', ["file.decimal", "'.' or ','", '"x"']),
        ('"Asia/Karachi"', '"Mars/Olympus"', ["time.time_zone", "IANA", '"Mars/Olympus"']),
        ('"Asia/Karachi"', '"../../etc/passwd"', ["time.time_zone", "IANA"]),
        ('"%d/%m/%Y %H:%M:%S"', '"%d/%m %H:%M"', ["time.format", '"%d/%m %H:%M"']),
        ('"%d/%m/%Y %H:%M:%S"', '"%d/%m/%Y"', ["time.format"]),
        ('"%d/%m/%Y %H:%M:%S"', '"%d/%m/%Y %I:%M"', ["time.format"]),
        ('"%d/%m/%Y %H:%M:%S"', '"%Q"', ["time.format"]),
        (
            "capacity_units_per_minute = 60",
            "capacity_units_per_minute = 0",
            ["warehouses[0].capac", "1..10000000", "0"],
        ),
        ('city = "Lahore"', 'city = "Atlantis"', ["warehouses[1].city", '"Atlantis"']),
        ('name = "Lahore East"', 'name = "KARACHI  south"', ["warehouses", "twice", '"karachi south"']),
        ('name = "Lahore East"', 'name = "L"\naliases = ["karachi south"]', ["warehouses", "twice"]),
        ('name = "Lahore East"', 'name = "L"\nlatitude = 3.0', ["warehouses[1]", "together"]),
        ('name = "Lahore East"', 'name = "L"\nlatitude = 91.0', ["warehouses[1].latitude", "91.0"]),
        ("[time]", '[[cities]]\nname = "Atlantis"\n[time]', ["cities[0]", "province", '"Atlantis"', "Karachi"]),
        ("[time]", "[money]\nminor_per_major = 0\n[time]", ["money.minor_per_major must be 1..10000, got 0"]),
        ("[time]", '[money]\nunit = "paisa"\n[time]', ["money.unit", "'major' or 'minor'", '"paisa"']),
        ("[time]", "[sale]\nstarts_at = 2025-11-12T00:00:00\nends_at = 2025-11-11T00:00:00\n[time]", ["sale.ends_at"]),
        ("[time]", '[sale]\nstarts_at = "yesterday"\n[time]', ["sale.starts_at", '"yesterday"']),
        (
            "[time]",
            '[[campaigns]]\nname = "x"\ndiscount_pct = 5.0\nstarts_at_minute = 0\nduration_minutes = 5\n'
            "intensity = [[3, 1000], [1, 1000]]\n[time]",
            ["campaigns[0].intensity must list rising minutes"],
        ),
    ],
)
def test_errors_name_key_and_value(old: str, new: str, words: list[str]) -> None:
    text = refused(old, new)
    assert all(word in text for word in words), text


def test_no_warehouses_is_one_clear_error() -> None:
    with pytest.raises(MappingError, match="warehouses is missing"):
        parse_mapping(MAPPING[: MAPPING.index("[[warehouses]]")], "x")


@pytest.mark.parametrize(
    ("name", "text"), [("none.toml", None), ("latin.toml", b'name = "\xe9"'), ("bad.toml", b"a =")]
)
def test_a_file_that_cannot_be_read_is_one_line(tmp_path: Path, name: str, text: bytes | None) -> None:
    path = tmp_path / name
    if text is not None:
        path.write_bytes(text)
    with pytest.raises(MappingError) as caught:
        load_mapping(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("directives", "enough"),
    [
        ("%Y-%m-%d %H:%M", True),
        ("%Y-%m-%dT%H:%M:%S%z", True),
        ("%d-%b-%y %I:%M:%S %p", True),
        ("%d.%m.%Y %H:%M:%S.%f", True),
        ("%d-%b-%y %I:%M", False),
        ("%H:%M", False),
        ("soon", False),
    ],
)
def test_a_time_format_must_tell_the_minute(directives: str, enough: bool) -> None:
    assert _tells_the_minute(directives) is enough
