"""Generated secrets, one file each: the folder is mode 700, the files 600; made once, then kept."""

import base64
import os
import secrets
import stat
from collections.abc import Callable
from pathlib import Path


def _token() -> str:
    # Letters, digits, - and _ only: safe in URIs, pass files and ACL files without quoting.
    return secrets.token_urlsafe(24)


def _long_token() -> str:
    return secrets.token_urlsafe(64)


def _key_file() -> str:
    # mongod takes base64 alone, and writes the whole key into its log when it meets anything else.
    return base64.b64encode(secrets.token_bytes(96)).decode()


def _fernet_key() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


SECRETS: dict[str, Callable[[], str]] = {
    "mongo_keyfile": _key_file,
    "mongo_owner": _token,
    "mongo_generator": _token,
    "mongo_jobs": _token,
    "mongo_notifier": _token,
    "redis_publisher": _token,
    "redis_dashboard_read": _token,
    "redis_dashboard_command": _token,
    "redis_notifier_read": _token,
    "redis_notifier_health": _token,
    "spark_connect": _token,
    "spark_cluster": _token,
    "postgres_owner": _token,
    "postgres_airflow": _token,
    "airflow_admin": _token,
    "airflow_jwt": _long_token,
    "airflow_fernet": _fernet_key,
    "airflow_session": _long_token,
}


def ensure_secrets(folder: Path) -> None:
    """Create what is missing; an existing secret is never changed, its mode is put right."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.chmod(0o700)
    for name, make in SECRETS.items():
        path = folder / name
        if path.exists():
            path.chmod(stat.S_IRUSR | stat.S_IWUSR)
        else:
            write_private(path, make() + "\n")


def write_private(path: Path, text: str) -> None:
    """Write `text` to `path` with mode 600 from its first byte on, in one step."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    draft.replace(path)
