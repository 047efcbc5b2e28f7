"""What the stack takes at the demo's load, and how large our images are."""

import json

import pytest

from flashsale.minutes import utc_now
from tests.compose.stack import ComposeStack

pytestmark = [pytest.mark.compose, pytest.mark.timeout(2400)]

BOUND_MB = 8 * 1024
_UNITS = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}


def _bytes(text: str) -> float:
    """``512.3MiB`` as `docker stats` writes it."""
    unit = next(unit for unit in ("KiB", "MiB", "GiB", "B") if text.endswith(unit))
    return float(text.removesuffix(unit)) * _UNITS[unit]


def test_memory_at_the_demos_load_is_below_eight_gigabytes(stack: ComposeStack) -> None:
    stack.wait_for_snapshot(utc_now(), 180)
    lines = stack.compose("stats", "--no-stream", "--format", "json").splitlines()
    used = {row["Name"]: _bytes(row["MemUsage"].split(" / ")[0]) / 2**20 for row in map(json.loads, lines)}
    assert len(used) == len(stack.containers(running_only=True))
    for name, megabytes in sorted(used.items(), key=lambda item: -item[1]):
        print(f"{name.removeprefix(stack.project + '-'):<26} {megabytes:6,.0f} MB")
    print(f"{'in all':<26} {sum(used.values()):6,.0f} MB")
    assert sum(used.values()) <= BOUND_MB


def test_images_are_stated(stack: ComposeStack) -> None:
    for target in ("generator", "dashboard", "notifier", "airflow", "spark"):
        size = int(stack.run("docker", "image", "inspect", "-f", "{{.Size}}", f"flashsale/{target}:test").stdout)
        print(f"flashsale/{target:<12} {size / 1e6:6,.0f} MB")
        assert 0 < size < 1.5e9
