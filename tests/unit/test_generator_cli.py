"""Options of ``flashsale-generate``: whatever is wrong with them is said in one line."""

import pytest

from generator.cli import main


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ([], 2, "COMMAND"),
        (["fly"], 2, "fly"),
        (["run", "--workers", "0"], 2, "must be a whole number from 1 on, got '0'"),
        (["run", "--workers", "two"], 2, "must be a whole number from 1 on, got 'two'"),
        (["run", "--max-ticks", "-3"], 2, "--max-ticks"),
        (["run", "--speed", "10"], 2, "--speed"),
        (["run", "--speed", "max", "--catch-up"], 2, "not allowed with"),
        (["run", "--sink", "csv:x"], 2, "must be mongo or parquet:DIR, got 'csv:x'"),
        (["run", "--sink", "parquet:"], 2, "must be mongo or parquet:DIR"),
        (["run", "--start", "tomorrow", "--sink", "parquet:x"], 2, "'tomorrow'"),
        (["run", "--scenario", "x.toml"], 1, "--scenario goes with --sink parquet:DIR"),
        (["run", "--start", "2026-01-01T00:00Z"], 1, "--start goes with --sink parquet:DIR"),
        (["run", "--sink", "parquet:x", "--sale", "a"], 1, "--sale goes with --sink mongo"),
        (["run", "--sink", "parquet:x", "--catch-up"], 1, "--catch-up goes with --sink mongo"),
        (["run", "--sink", "parquet:x", "--speed", "clock"], 1, "--speed clock goes with --sink mongo"),
        (["run", "--sink", "parquet:x", "--max-ticks", "3"], 1, "--max-ticks goes with --sink mongo"),
        (["run", "--sink", "parquet:x", "--scenario", "no/such.toml"], 1, "no/such.toml"),
    ],
)
def test_a_wrong_option_is_one_line(
    arguments: list[str], code: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        found = main(arguments)
    except SystemExit as ended:
        found = int(ended.code or 0)
    error = capsys.readouterr().err
    assert found == code
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    assert words in error


def test_help_names_every_option_of_run(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["run", "--help"])
    assert ended.value.code == 0
    text = capsys.readouterr().out
    for option in ("--sale", "--workers", "--speed", "--catch-up", "--sink", "--scenario", "--start", "--json"):
        assert option in text
