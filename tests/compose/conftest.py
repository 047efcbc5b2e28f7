"""A container engine and the whole stack on it, from empty volumes."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from flashsale.minutes import utc_now
from tests.compose.stack import ROOT, ComposeStack

PROJECT = "flashsale-test"
BASE_IMAGE = "PYTHON_IMAGE="


def _succeeds(*command: str, timeout: float = 60) -> bool:
    try:
        return subprocess.run(command, capture_output=True, timeout=timeout, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _foreign_images() -> list[str]:
    """Images the stack needs and does not build."""
    config = json.loads(
        subprocess.run(
            ["docker", "compose", "config", "--format", "json"], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout
    )
    images = {service["image"] for service in config["services"].values()}
    images = {image for image in images if not image.startswith("flashsale/")}
    lines = (ROOT / "containers" / "Dockerfile").read_text().splitlines()
    return sorted(images | {line.split(BASE_IMAGE)[1] for line in lines if line.startswith(f"ARG {BASE_IMAGE}")})


def lab_script() -> Path:
    """The program that stands in for an engine with images."""
    return Path(os.environ.get("COMPOSE_LAB") or ROOT.parent / "shared" / "compose-lab" / "lab.sh").absolute()


@pytest.fixture(scope="session")
def engine() -> Iterator[None]:
    """An engine with every image: the user's own where it has or can pull them, otherwise the lab of COMPOSE_LAB."""
    answered = _succeeds("docker", "info")
    if answered and all(
        _succeeds("docker", "image", "inspect", image) or _succeeds("docker", "pull", "-q", image, timeout=600)
        for image in _foreign_images()
    ):
        yield
        return
    lab = lab_script()
    if not lab.exists():
        pytest.fail(
            "no container engine with the images that docker-compose.yml names, and no lab at "
            f"{lab}; start Docker, or set COMPOSE_LAB",
            pytrace=False,
        )
    for step in (["engine-up"], ["cover", "-f", str(ROOT / "docker-compose.yml")]):
        done = subprocess.run([lab, *step], cwd=ROOT, capture_output=True, text=True, timeout=1500, check=False)
        if done.returncode != 0:
            pytest.fail(f"{lab} {step[0]}: {(done.stderr or done.stdout).strip()[-800:]}", pytrace=False)
    yield
    if not answered:
        subprocess.run([lab, "engine-down"], capture_output=True, timeout=300, check=False)


@pytest.fixture(scope="session")
def stack(engine: None) -> Iterator[ComposeStack]:
    """The stack after `docker compose up -d --wait` on empty volumes, and nothing else."""
    stack = ComposeStack(PROJECT)
    stack.compose("down", "--volumes", "--remove-orphans", timeout=300)
    stack.compose("build", "--quiet", timeout=1500)
    try:
        began = utc_now()
        stack.seconds["up"] = stack.up()
        stack.after_up = stack.containers()
        stack.seconds["first snapshot"] = stack.seconds["up"] + stack.wait_for_snapshot(began, 240)
        yield stack
    finally:
        if not os.environ.get("COMPOSE_TEST_KEEP"):
            stack.compose("down", "--volumes", "--remove-orphans", timeout=300)
