"""Whatever a page or a message may say has its section in the runbook, and what the runbook says to type exists."""

import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from dashboard import states
from dashboard.board import SchemaMismatchError, UnreadableSnapshotError
from dashboard.states import known_fault, no_data
from flashsale.errors import FlashsaleError, ServiceUnavailableError, SettingsError
from flashsale.freshness import FreshnessState
from flashsale.runbook import PATH, SECTIONS, anchor, reference
from flashsale.settings import ENV_PREFIX, Settings
from flashsale.snapshot import SEVERITY_ORDER
from notifier.faults import ALARMS
from tests.support.kubernetes_manifests import compose

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / PATH).read_text()
HEADINGS = re.findall(r"^## (.+)$", TEXT, re.M)


def test_every_section_stands_once_and_nothing_else() -> None:
    assert sorted(HEADINGS) == sorted(SECTIONS.values())


def test_every_state_of_the_page_has_its_section() -> None:
    errors = [
        ServiceUnavailableError(""), SettingsError(""), SchemaMismatchError(""), UnreadableSnapshotError(""),
        FlashsaleError(""),
    ]  # fmt: skip
    messages = [no_data("", ""), *(known_fault(error) for error in errors)]
    messages += [value for value in vars(states).values() if isinstance(value, states.Message)]
    keys = {message.key for message in messages}
    # As the module spells them: one that is added there must be added here.
    assert keys == set(re.findall(r'Message\(\s*"(\w+)"', Path(str(states.__file__)).read_text()))
    assert keys <= SECTIONS.keys()


def test_every_age_severity_and_alarm_has_its_section() -> None:
    assert {*FreshnessState.__args__, "incomplete"} <= SECTIONS.keys()  # type: ignore[attr-defined]
    assert set(SEVERITY_ORDER) <= SECTIONS.keys()
    assert set(ALARMS) <= SECTIONS.keys()


@pytest.mark.parametrize("key", SECTIONS)
def test_section_says_where_it_shows_and_what_to_do(key: str) -> None:
    section = TEXT.split(f"## {SECTIONS[key]}\n", 1)[1].split("\n## ", 1)[0]
    assert re.match(r"\n\*", section), "where it shows comes first"
    assert "Do" in section or "othing to do" in section or "Same steps" in section


def test_links_lead_to_sections_and_files() -> None:
    anchors = {anchor(key) for key in SECTIONS}
    for target in re.findall(r"\]\(([^)]+)\)", TEXT):
        if target.startswith("#"):
            assert target[1:] in anchors, target
        else:
            assert (ROOT / PATH).parent.joinpath(target).exists(), target


def test_reference_names_the_heading() -> None:
    assert reference("stale") == 'docs/runbook.md, section "The figures are stale"'
    assert anchor("hdfs_quota") == "hdfs-is-over-its-quota-or-full"
    with pytest.raises(KeyError):
        reference("no such key")


def _code() -> list[str]:
    spans = re.findall(r"`([^`\n]+(?:\n[^`\n]+)?)`", re.sub(r"```.*?```", "", TEXT, flags=re.S))
    blocks = [line for block in re.findall(r"```\n(.*?)```", TEXT, re.S) for line in block.splitlines()]
    return [" ".join(text.split("#")[0].split()) for text in spans + blocks]


@cache
def _help(program: str) -> str:
    command = Path(sys.executable).parent / program
    return subprocess.run([command, "--help"], capture_output=True, text=True, check=True).stdout


def test_commands_exist() -> None:
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.M))
    services = compose()["services"]
    found = 0
    for text in _code():
        if match := re.match(r"make ([a-z-]+)", text):
            assert match[1] in targets, text
        elif match := re.search(r"(flashsale-[a-z]+) ([a-z]+)", text):
            assert re.search(rf"[{{,]{match[2]}[,}}]|^    {match[2]} ", _help(match[1]), re.M), text
        elif match := re.match(r"\.venv/bin/python -m ([\w.]+)", text):
            assert (ROOT / f"{match[1].replace('.', '/')}.py").exists(), text
        elif not text.startswith("docker compose"):
            continue
        if match := re.match(r"docker compose (exec|restart|up -d) (?!-)([\w -]+)", text):
            named = match[2].split()
            assert set(named[:1] if match[1] == "exec" else named) <= services.keys(), text
        found += 1
    assert found > 40


def test_settings_and_logs_that_are_named_exist() -> None:
    known = {ENV_PREFIX + name.upper() for name in Settings.model_fields}
    known |= set(re.findall(r"FLASHSALE_[A-Z_]+", (ROOT / ".env.example").read_text()))
    named = set(re.findall(r"FLASHSALE_[A-Z_]+", TEXT))
    assert named <= known
    logs = set(re.findall(r"make logs S=([a-z-]+)", TEXT))
    assert logs <= {*compose()["services"], "spark"}


def test_the_readme_leads_to_it() -> None:
    assert f"({PATH})" in (ROOT / "README.md").read_text()
