"""Colours agree wherever they are written and can be read; the page's source keeps its promises."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

from dashboard import palette

DASHBOARD = Path(palette.__file__).parent
MIN_CONTRAST = 4.5


def luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("colour", [*palette.HUES.values(), palette.INK, palette.DIM])
@pytest.mark.parametrize("ground", [palette.BACKGROUND, palette.CARD])
def test_text_colours_stand_out_from_both_grounds(colour, ground):
    assert contrast(colour, ground) >= MIN_CONTRAST


@pytest.mark.parametrize("step", palette.RISK_STEPS)
def test_the_share_can_be_read_on_every_step_of_the_risk_map(step):
    assert contrast(palette.INK, step) >= MIN_CONTRAST


@pytest.mark.parametrize(("share", "step"), [(0, 0), (0.19, 0), (0.2, 1), (0.5, 2), (0.99, 4), (1, 4)])
def test_risk_colour_has_five_equal_steps(share, step):
    assert palette.risk_colour(share) == palette.RISK_STEPS[step]


def test_theme_and_stylesheet_hold_the_colours_of_the_palette():
    theme = tomllib.loads((DASHBOARD / ".streamlit/config.toml").read_text())["theme"]
    for hue, colour in palette.HUES.items():
        assert theme[f"{hue}Color"] == theme[f"{hue}TextColor"] == colour
    assert (theme["backgroundColor"], theme["secondaryBackgroundColor"]) == (palette.BACKGROUND, palette.CARD)
    assert (theme["textColor"], theme["borderColor"]) == (palette.INK, palette.LINE)
    css = dict(re.findall(r"--fs-([a-z-]+): (#[0-9A-F]{6});", (DASHBOARD / "frontend/war_room.css").read_text()))
    assert css.items() >= {hue: c for hue, c in palette.HUES.items() if hue in css}.items()
    assert (css["card"], css["line"], css["ink"], css["dim"]) == (palette.CARD, palette.LINE, palette.INK, palette.DIM)


def test_no_telemetry_and_no_error_details():
    config = tomllib.loads((DASHBOARD / ".streamlit/config.toml").read_text())
    assert config["browser"]["gatherUsageStats"] is False
    assert config["client"]["showErrorDetails"] == "none"
    assert config["server"]["address"] == "127.0.0.1"


def test_names_never_become_markup():
    for path in DASHBOARD.rglob("*.py"):
        assert "unsafe_allow" not in path.read_text(), path
    for path in DASHBOARD.rglob("*.js"):
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write", path.read_text()), path


def test_the_page_knows_redis_and_nothing_else_of_the_pipeline():
    allowed = {"dashboard", "flashsale", "streamlit", "plotly", "redis"}
    banned = ("flashsale.stores.mongo", "flashsale.stores.hdfs", "flashsale.stores.ingest", "flashsale.stores.sales")
    for path in DASHBOARD.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            for name in names:
                known = name.split(".")[0] in allowed or name.split(".")[0] in __import__("sys").stdlib_module_names
                assert known, f"{path}: {name}"
                assert not name.startswith(banned), f"{path}: {name}"
