"""One frozen object of settings, read from the environment and validated at start.

Every field is an environment variable ``FLASHSALE_<NAME>``; the defaults are those of
the embedded stack, so that a command typed beside a running demo just works.
"""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from flashsale.errors import SettingsError

ENV_PREFIX = "FLASHSALE_"
MIN_SECRET_LENGTH = 16

_CLOCK = r"([01]\d|2[0-3]):[0-5]\d"

Port = Annotated[int, Field(ge=1, le=65535)]


class Settings(BaseSettings):
    """All settings; build it with `load_settings`, which reports errors in one line."""

    model_config = SettingsConfigDict(env_prefix=ENV_PREFIX, frozen=True, extra="ignore")

    # Where state and secrets of the embedded stack live.
    home: Path = Path(".flashsale")
    secrets_dir: Path | None = None

    # MongoDB
    mongo_host: str = "127.0.0.1"
    mongo_port: Port = 27117
    mongo_replica_set: str = "rs0"

    # Redis
    redis_host: str = "127.0.0.1"
    redis_port: Port = 6479

    # HDFS: WebHDFS for the client, RPC for Spark
    hdfs_http: str = "http://127.0.0.1:9870"
    hdfs_rpc: str = "hdfs://127.0.0.1:9820"
    hdfs_user: str = "flashsale"

    # Spark Connect
    # The name and not the address: Spark's client sends a token without TLS to "localhost" alone.
    # "submit": the session of the spark-submit that started the process.
    spark_remote: str = Field(default="sc://localhost:15002", pattern=r"^(sc://.+|submit)$")

    # Into how many parts Spark splits a minute's facts and their aggregation: as many as it has cores.
    spark_parallelism: int = Field(default=2, ge=1, le=1024)

    # The sale
    sale: Path = Path("configs/sales/demo.toml")
    shop_time_zone: str = "Asia/Karachi"
    currency: str = Field(default="PKR", pattern=r"^[A-Z]{3}$")
    # Longest pause after which a start goes on with the live sale; at most 30 days.
    resume_pause_seconds: int = Field(default=120, ge=0, le=2_592_000)
    # A file the generator touches after each acknowledged checkpoint, for health checks.
    heartbeat_file: Path | None = None

    # Free space in GB where the facts are stored: with less than the first the generator writes half of
    # the time only, with less than the second it waits for more; 0 never does.
    disk_slow_gb: float = Field(default=5.0, ge=0, le=1_000_000)
    disk_pause_gb: float = Field(default=2.0, ge=0, le=1_000_000)

    # Time rules (DESIGN: section 4), minutes unless the name says otherwise
    window_minutes: int = Field(default=15, ge=1, le=60)
    lateness_minutes: int = Field(default=2, ge=0, le=10)
    max_ahead_seconds: int = Field(default=30, ge=0, le=600)
    watermark_wait_seconds: float = Field(default=3.0, ge=0, le=30)
    rebuild_limit_minutes: int = Field(default=30, ge=20, le=240)

    # KPI thresholds (section 5)
    at_risk_eta_minutes: float = Field(default=15.0, gt=0)
    at_risk_p15: float = Field(default=0.25, ge=0, le=1)
    critical_eta_minutes: float = Field(default=8.0, gt=0)
    value_horizon_minutes: int = Field(default=30, ge=1, le=240)
    overload_window_minutes: int = Field(default=5, ge=1, le=15)
    overload_load: float = Field(default=0.9, gt=0)
    overload_delay_minutes: float = Field(default=30.0, gt=0)
    risk_window_minutes: int = Field(default=5, ge=1, le=15)

    # The forecast's parameters; empty: uncalibrated.
    calibration: Path | None = Path("configs/calibration/63e563e576d42563.json")
    # What actions cost, and when an alert rings.
    decisions: Path = Path("configs/decisions.toml")

    # What the page calls the age of its data
    live_seconds: int = Field(default=90, ge=1)
    late_seconds: int = Field(default=180, ge=1)

    # Notices to those who are not looking.  Where they go stands in the secret file `notify_targets`.
    # The least severity of an alert that is told; faults of the pipeline are told always.
    notify_severity: Literal["high", "critical", "sold_out"] = "critical"
    # Hours of the shop's clock, such as 23:00-07:00, in which what is not urgent is kept for a digest at their end,
    # and whether what is urgent is kept too.
    notify_quiet_hours: str = Field(default="", pattern=rf"^({_CLOCK}-{_CLOCK})?$")
    notify_quiet_holds_urgent: bool = False
    # More messages than this within so many minutes become one.
    notify_flood_messages: int = Field(default=10, ge=1, le=10_000)
    notify_flood_minutes: int = Field(default=5, ge=1, le=120)
    # How long a target that takes nothing is tried, and how long one try may last.
    notify_give_up_hours: float = Field(default=12.0, gt=0, le=168)
    notify_timeout_seconds: float = Field(default=15.0, ge=0.5, le=120)
    # How often is looked, and how long a fault must be over before that is told.
    notify_look_seconds: float = Field(default=10.0, ge=0.1, le=300)
    notify_settle_seconds: float = Field(default=60.0, ge=0, le=3600)
    # Told when the data quality is below this.
    notify_quality_below: float = Field(default=0.95, ge=0, le=1)

    # Publication and archive
    superseded_ttl_minutes: int = Field(default=30, ge=1, le=1440)
    archive_age_minutes: int = Field(default=20, ge=1, le=10_080)
    archive_batch_rows: int = Field(default=4_000_000, ge=1, le=4_000_000)
    # Rows a second the archive takes from MongoDB and deletes there; 0: as fast as they go.
    archive_rows_per_second: int = Field(default=50_000, ge=0, le=10_000_000)
    # MB of one sale's documents and indexes, uncompressed.  Above the high mark minutes are archived as soon as
    # they are final, and as fast as they go, until the low mark is reached.
    archive_high_mb: int = Field(default=8_000, ge=1, le=100_000_000)
    archive_low_mb: int = Field(default=6_000, ge=1, le=100_000_000)

    # What Airflow leaves behind: days that runs and their logs stay, and size of all logs together.
    airflow_keep_days: int = Field(default=7, ge=1, le=365)
    airflow_logs_mb: int = Field(default=1_000, ge=10, le=1_000_000)
    # Airflow keeps its database from tasks.  Whoever wants the DAG `retention` to drop old runs there names it
    # here, without the password (libpq reads PGPASSFILE); every task can then reach it.  Empty: rows are kept.
    airflow_database: str = Field(default="", pattern=r"^(postgresql\+psycopg2://[^:@/\s]+@[^@\s]+/[^@\s]+)?$")

    @field_validator("calibration", mode="before")
    @classmethod
    def _none_when_empty(cls, path: Any) -> Any:
        return path or None

    @field_validator("shop_time_zone")
    @classmethod
    def _known_time_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError("should be an IANA time zone such as Asia/Karachi") from error
        return name

    @model_validator(mode="after")
    def _marks_in_order(self) -> Self:
        if self.archive_low_mb > self.archive_high_mb:
            raise ValueError(
                f"{ENV_PREFIX}ARCHIVE_LOW_MB should be at most {ENV_PREFIX}ARCHIVE_HIGH_MB "
                f"({self.archive_high_mb}), got {self.archive_low_mb}"
            )
        return self

    @property
    def lateness(self) -> timedelta:
        return timedelta(minutes=self.lateness_minutes)

    @property
    def window(self) -> timedelta:
        return timedelta(minutes=self.window_minutes)

    def secret(self, name: str) -> str:
        """The secret called `name` (file below `secrets_dir`, by default ``<home>/secrets``).

        Raises SettingsError when the file is missing, unreadable or its text too short.
        """
        path = (self.secrets_dir or self.home / "secrets") / name
        try:
            text = path.read_text().strip()
        except OSError as error:
            raise SettingsError(
                f"secret {name}: cannot read {path} ({error.strerror}); start the stack once "
                f"(make demo) or point {ENV_PREFIX}SECRETS_DIR at the folder that holds it"
            ) from error
        if len(text) < MIN_SECRET_LENGTH:
            raise SettingsError(
                f"secret {name}: {path} holds {len(text)} characters, "
                f"must be at least {MIN_SECRET_LENGTH}; delete it to have it generated again"
            )
        return text


def load_settings(**overrides: Any) -> Settings:
    """Settings from the environment; raises SettingsError naming variable, value and range."""
    try:
        return Settings(**overrides)
    except ValidationError as error:
        first = error.errors()[0]
        if not first["loc"]:
            # Of settings that do not go together; the message names them itself.
            raise SettingsError(first["msg"].removeprefix("Value error, ")) from error
        variable = ENV_PREFIX + str(first["loc"][0]).upper()
        raise SettingsError(f"{variable}={first['input']!s}: {first['msg']}") from error
