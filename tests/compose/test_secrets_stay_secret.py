"""Generated secrets are nowhere but in the volumes of those who need them."""

import re

import pytest

from containers.grants import PLAIN
from flashsale.secret_files import SECRETS
from tests.compose.stack import ROOT, ComposeStack, inside

pytestmark = [pytest.mark.compose, pytest.mark.timeout(2400)]


def _assert_none_in(text: str, secrets: dict[str, str], where: str) -> None:
    told = [name for name, value in secrets.items() if value in text]
    assert not told, f"{where} tells {told}"


def test_no_secret_in_inspect_history_logs_or_command_lines(stack: ComposeStack) -> None:
    secrets = stack.secrets()
    assert secrets.keys() == SECRETS.keys()
    assert len(set(secrets.values())) == len(SECRETS)
    ids = stack.compose("ps", "-aq").split()
    _assert_none_in(stack.run("docker", "inspect", *ids).stdout, secrets, "inspect")
    _assert_none_in(stack.compose("config"), secrets, "compose config")
    _assert_none_in(stack.compose("logs", "--no-color"), secrets, "logs")
    for image in set(stack.compose("config", "--images").split()):
        _assert_none_in(stack.run("docker", "image", "inspect", image).stdout, secrets, image)
        history = stack.run("docker", "image", "history", "--no-trunc", image).stdout
        _assert_none_in(history, secrets, f"history of {image}")
    for name in stack.containers(running_only=True):
        top = stack.run("docker", "top", f"{stack.project}-{name}", "-eo", "pid,args").stdout
        _assert_none_in(top, secrets, f"command lines of {name}")
    _assert_none_in(stack.run("git", "grep", "-I", "").stdout, secrets, "the repository")


def test_each_service_sees_its_own_secrets_alone(stack: ComposeStack) -> None:
    written = {"redis": {"users.acl", "redis.conf"}, "spark-connect": {"spark.conf"}}
    for service in ("mongo", "generator", "redis", "postgres", "spark-connect", "dashboard", "notifier"):
        seen = stack.compose("exec", "-T", service, "ls", "-A", "/run/secrets").split()
        assert set(seen) == set(PLAIN[service]) | written.get(service, set()), service


def test_secret_files_are_closed_to_others(stack: ComposeStack) -> None:
    rows = [line.split() for line in stack.one_off("secrets", inside("secret_modes")).splitlines()]
    assert {path for path, _, _ in rows if "/" not in path} == PLAIN.keys()
    for path, mode, owner in rows:
        expected = "750" if "/" not in path else "400" if path.endswith("pgpass") else "440"
        assert (mode, owner) == (expected, "10001:10001"), path


def test_targets_of_the_notifier_are_handed_to_it_alone_and_can_be_taken_back(stack: ComposeStack) -> None:
    run = ("docker", "compose", "run", "--rm", "--no-deps", "-T", "secrets", "targets")
    url = "json://user:a-secret-of-the-shop@127.0.0.1:9/hook"
    try:
        assert stack.run(*run, stdin=f"# ours\n{url}\n").stdout.startswith("1 targets")
        seen = stack.compose("exec", "-T", "notifier", "cat", "/run/secrets/notify_targets")
        assert url in seen
        tried = stack.run("docker", "compose", "exec", "-T", "notifier", "flashsale-notify", "test", check=False)
        assert tried.returncode == 1
        assert "json://127.0.0.1:9" in tried.stdout
        assert "FAILED" in tried.stdout
        assert "a-secret-of-the-shop" not in tried.stdout + tried.stderr + stack.compose("logs", "notifier")
        others = stack.compose("exec", "-T", "dashboard", "ls", "-A", "/run/secrets").split()
        assert "notify_targets" not in others
    finally:
        stack.run(*run, stdin="")
    assert "notify_targets" not in stack.compose("exec", "-T", "notifier", "ls", "-A", "/run/secrets").split()


def test_secrets_survive_a_second_grant(stack: ComposeStack) -> None:
    before = stack.secrets()
    stack.compose("run", "--rm", "--no-deps", "-T", "secrets", "grant")
    assert stack.secrets() == before


def test_password_of_airflow_is_shown_on_request(stack: ComposeStack) -> None:
    shown = stack.compose("run", "--rm", "--no-deps", "-T", "secrets", "show", "airflow_admin").strip()
    assert shown == stack.secrets()["airflow_admin"]
    assert re.search(r"secrets show airflow_admin", (ROOT / "README.md").read_text())
