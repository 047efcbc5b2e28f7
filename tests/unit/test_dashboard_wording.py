from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from dashboard.wording import count, duration, minutes, money, percent, shop_time, shortened, signed, signed_money

KARACHI = ZoneInfo("Asia/Karachi")


@pytest.mark.parametrize(
    ("minor", "text"),
    [
        (None, "—"),
        (0, "Rs 0"),
        (99, "Rs 1"),
        (940_00, "Rs 940"),
        (9_999_00, "Rs 9,999"),
        (84_200_00, "Rs 84.2 k"),
        (999_600_00, "Rs 1 M"),
        (8_400_000_00, "Rs 8.4 M"),
        (8_012_345_00, "Rs 8.01 M"),
        (123_456_789_00, "Rs 123 M"),
        (2_500_000_000_00, "Rs 2.5 bn"),
    ],
)
def test_money_shows_three_figures_and_its_currency(minor, text):
    assert money(minor, "PKR") == text


def test_money_of_a_currency_without_a_symbol_shows_its_code():
    assert money(5_00, "CHF") == "CHF 5"


@pytest.mark.parametrize(("minor", "text"), [(0, "±0"), (1_100_000_00, "+1.1 M"), (-300_00, "−300")])
def test_change_of_money_carries_its_sign(minor, text):
    assert signed_money(minor) == text


@pytest.mark.parametrize(("value", "text"), [(0, "±0"), (6, "+6"), (-1_200, "−1,200")])
def test_change_of_a_count_carries_its_sign(value, text):
    assert signed(value) == text


def test_an_unknown_value_is_a_dash_never_a_zero():
    assert [count(None), minutes(None), percent(None)] == ["—", "—", "—"]


@pytest.mark.parametrize(
    ("share", "digits", "text"),
    [
        (0, 0, "0 %"),
        (0.97, 0, "97 %"),
        (0.9999, 1, "99.9 %"),
        (0.996, 1, "99.6 %"),
        (1, 1, "100.0 %"),
        (0.001, 0, "<1 %"),
        (1.04, 0, "104 %"),
    ],
)
def test_percent_reaches_0_and_100_only_when_the_share_does(share, digits, text):
    assert percent(share, digits) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.4, "<1 min"),
        (1.0, "1 min"),
        (4.99, "4 min"),
        (60, "1 h"),
        (125.5, "2 h 5 min"),
        (1e7, ">24 h"),
    ],
)
def test_time_left_is_never_rounded_up(value, text):
    assert minutes(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-3, "0 s"), (38.9, "38 s"), (119, "119 s"), (540, "9 min"), (7500, "2 h 5 min"), (2e5, "2 d 7 h")],
)
def test_age_is_told_in_the_largest_useful_unit(seconds, text):
    assert duration(seconds) == text


def test_shop_time_names_its_zone_and_the_day_when_it_is_another_one():
    moment = datetime(2026, 11, 11, 9, 7, tzinfo=UTC)
    assert shop_time(moment, KARACHI, moment) == "14:07:00 PKT"
    assert shop_time(moment, KARACHI, datetime(2026, 11, 12, 1, tzinfo=UTC)) == "11 Nov 14:07:00 PKT"


def test_a_long_name_is_one_line_with_an_ellipsis():
    assert shortened("a\n b" + "x" * 300, 10) == "a bxxxxxx…"
