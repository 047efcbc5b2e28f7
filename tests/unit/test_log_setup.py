"""A command's log goes to the stderr of its own process, and a test's to its own."""

import logging

import pytest

from flashsale.log_setup import configure_logging


@pytest.mark.parametrize("name", ["one", "two"])
def test_what_a_test_logs_is_written_once_and_to_its_own_stderr(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    logging.getLogger("a thread of the tests").warning("before the command of test %s", name)
    assert capsys.readouterr().err == ""
    configure_logging("flashsale-test").warning("from test %s", name)
    line = capsys.readouterr().err
    assert line.endswith(f"WARNING flashsale-test from test {name}\n")
    assert line.count("\n") == 1
