"""Options of `flashsale-kpi`: whatever is wrong with them is said in one line, before any service is asked."""

import stat
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from flashsale.errors import FlashsaleError
from flashsale.minutes import MINUTE
from flashsale.sale_run import SaleRun
from spark_jobs.kpi_arguments import Asked, asked_for, refuse_outside
from spark_jobs.kpi_cli import main
from spark_jobs.submitted_session import submitted_session

NOW = datetime(2026, 11, 11, 12, 0, 30, tzinfo=UTC)
NINE = datetime(2026, 11, 11, 9, tzinfo=UTC)
SALE = SaleRun("s", "demo", "", 1, NINE + timedelta(seconds=20), NINE + timedelta(hours=1, seconds=20))


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ([], 2, "COMMAND"),
        (["fly"], 2, "'fly'"),
        (["run", "--until", "9"], 2, "--until"),
        (["run", "--at"], 2, "--at"),
        (["run", "--at", "yesterday"], 1, "--at 'yesterday': must be a time"),
        (["run", "--at", ""], 1, "--at '': must be a time"),
        (["run", "--at", "2026-02-30T09:00Z"], 1, "'2026-02-30T09:00Z'"),
        (["run", "--at", "0001-01-01T00:00+14:00"], 1, "'0001-01-01T00:00+14:00'"),
        (["run", "--at", "2026-01-11T09:00"], 1, "Write 2026-01-11T09:00Z for UTC"),
        (["run", "--at", "2026-01-11T09:00:30Z"], 1, "a whole minute, such as 2026-01-11T09:00Z or 2026-01-11T09:01Z"),
        (["run", "--at", "2999-01-01T00:00Z"], 1, "in the future"),
        (["run", "--from", "2026-01-11T09:00Z"], 1, "--from without --to"),
        (["run", "--to", "2026-01-11T09:00Z"], 1, "--to without --from"),
        (["run", "--at", "x", "--from", "y", "--to", "z"], 1, "one or the other"),
        (["run", "--at", "2026-01-11T09:00Z", "--to", "2026-01-11T09:00Z"], 1, "one or the other"),
        (["run", "--from", "2026-01-11T10:00Z", "--to", "2026-01-11T09:00Z"], 1, "--to must be later"),
        (["run", "--from", "2026-01-11T10:00Z", "--to", "2026-01-11T15:00+05:00"], 1, "holds no minute"),
        (["run", "--from", "2026-01-11T09:00Z", "--to", "2999-01-01T00:00Z"], 1, "--to 2999-01-01T00:00Z: is in the"),
    ],
)
def test_a_wrong_option_is_one_line(
    arguments: list[str], code: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        found = main(arguments)
    except SystemExit as ended:
        found = int(ended.code or 0)
    out, error = capsys.readouterr()
    assert (found, out) == (code, "")
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    assert words in error


def test_times_of_any_zone_are_taken() -> None:
    assert asked_for("2026-11-11T14:00+05:00", None, None, NOW) == Asked(at=NINE)
    assert asked_for(None, "2026-11-11T09:00Z", "2026-11-11T09:01Z", NOW) == Asked(start=NINE, end=NINE + MINUTE)
    assert asked_for(None, None, None, NOW) == Asked()


@pytest.mark.parametrize(
    ("asked", "word"),
    [
        (
            Asked(at=NINE),
            "--at 2026-11-11T09:00Z: sale s runs from 2026-11-11T09:00:20.000Z to 2026-11-11T10:00:20.000Z",
        ),
        (Asked(at=NINE + 62 * MINUTE), "give a time from 2026-11-11T09:01Z to 2026-11-11T10:01Z"),
        (Asked(start=NINE - MINUTE, end=NINE + MINUTE), "--from 2026-11-11T08:59Z"),
        (Asked(start=NINE, end=NINE + 62 * MINUTE), "--to 2026-11-11T10:02Z"),
        (Asked(start=NINE + 61 * MINUTE, end=NINE + 62 * MINUTE), "--to"),
    ],
    ids=str,
)
def test_a_minute_outside_the_sale_is_refused_with_the_times_it_has(asked: Asked, word: str) -> None:
    with pytest.raises(FlashsaleError) as refused:
        refuse_outside(SALE, asked)
    assert word in str(refused.value)


def test_every_minute_of_the_sale_is_taken_also_one_that_was_only_begun() -> None:
    for at in (NINE + MINUTE, NINE + 61 * MINUTE):
        refuse_outside(SALE, Asked(at=at))
    refuse_outside(SALE, Asked(start=NINE, end=NINE + 61 * MINUTE))
    refuse_outside(SALE, Asked())


def test_without_services_it_says_which_one_does_not_answer(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FLASHSALE_HOME", str(tmp_path))
    monkeypatch.setenv("FLASHSALE_SECRETS_DIR", str(tmp_path))
    monkeypatch.setenv("FLASHSALE_MONGO_PORT", "1")
    monkeypatch.setattr("flashsale.stores.mongo.SERVER_SELECTION_MS", 200)
    assert main(["run", "--at", "2026-01-11T09:00Z"]) == 1
    assert "secret mongo_jobs: cannot read" in capsys.readouterr().err
    (tmp_path / "mongo_jobs").write_text("x" * 24)
    assert main(["run", "--at", "2026-01-11T09:00Z"]) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: flashsale-kpi: MongoDB does not answer")
    assert error.count("\n") == 1


def test_submit_conf_keeps_the_password_in_a_file_of_its_owner(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FLASHSALE_HOME", str(tmp_path))
    monkeypatch.setenv("FLASHSALE_SECRETS_DIR", str(tmp_path))
    monkeypatch.setenv("FLASHSALE_MONGO_REPLICA_SET", "")
    (tmp_path / "mongo_jobs").write_text("a-password-of-the-jobs\n")
    assert main(["submit-conf", "--master", "spark://127.0.0.1:7077"]) == 0
    out = capsys.readouterr().out
    path = tmp_path / "spark" / "submit.properties"
    assert out.startswith(f"FLASHSALE_SPARK_REMOTE=submit PYSPARK_PYTHON={sys.executable} ")
    assert f" {Path(sys.executable).with_name('spark-submit')} " in out
    assert f"--properties-file {path} " in out
    assert "a-password" not in out
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    lines = path.read_text().splitlines()
    given = {name: value for name, _, value in (line.partition(" ") for line in lines)}
    assert len(given) == len(lines)
    assert given["spark.master"] == "spark://127.0.0.1:7077"
    assert given["spark.mongodb.read.connection.uri"].startswith("mongodb://jobs:a-password-of-the-jobs@")
    assert given["spark.executorEnv.FLASHSALE_SECRETS_DIR"] == str(tmp_path)
    assert given["spark.executorEnv.FLASHSALE_MONGO_REPLICA_SET"] == "", "a sharded MongoDB has none"
    assert given["spark.sql.session.timeZone"] == "UTC", "what every Spark of the pipeline is told"


def test_a_submitted_session_needs_spark_submit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYSPARK_GATEWAY_PORT", raising=False)
    with pytest.raises(FlashsaleError, match="spark-submit did not start this process"), submitted_session({}):
        pytest.fail("there is no session")
