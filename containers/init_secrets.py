"""``python -m containers.init_secrets``: make the secrets that are missing and hand each service its own.

    grant          for the stack: write every service's folder below /grants
    targets        take the targets of the notifier from standard input, one URL a line; none: forget them
    show NAME      print one secret, for people (the Airflow password: airflow_admin)

Runs without privileges: the folders below /grants are volumes that belong to this program's user
from their first use on; services of other users read them as members of its group.
"""

import argparse
import sys
from pathlib import Path

from containers.grants import PLAIN, TARGETS, grants
from flashsale.errors import FlashsaleError, exit_with_one_line
from flashsale.secret_files import SECRETS, ensure_secrets, write_private
from flashsale.settings import Settings, load_settings

GRANTS = Path("/grants")
PROJECT = Path()
"""Where configs/ and hadoop/ are: the working folder of the image."""
PRIVATE = frozenset({"pgpass"})
"""Read by clients that refuse a file its group can read; its reader is this program's own user."""


def main() -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m containers.init_secrets", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("grant")
    commands.add_parser("targets")
    show = commands.add_parser("show")
    show.add_argument("name", choices=sorted(SECRETS))
    options = parser.parse_args()
    if options.command == "show":
        return exit_with_one_line(lambda: _show(options.name))
    return exit_with_one_line(_take_targets if options.command == "targets" else _grant)


def _show(name: str) -> int:
    sys.stdout.write(load_settings().secret(name) + "\n")
    return 0


def _take_targets() -> int:
    """The running notifier finds them at its next look."""
    settings = load_settings()
    text = sys.stdin.read()
    lines = [line for line in text.splitlines() if line.strip() and not line.strip().startswith("#")]
    path = _master(settings) / TARGETS
    try:
        if lines:
            write_private(path, text)
        else:
            path.unlink(missing_ok=True)
        hand_over(GRANTS / "notifier", grants("notifier", settings.secret, settings, PROJECT))
    except OSError as error:
        raise FlashsaleError(f"targets: {error.filename}: {error.strerror}") from error
    sys.stdout.write(f"{len(lines)} targets; `flashsale-notify test` in the notifier tries them\n")
    return 0


def _master(settings: Settings) -> Path:
    if settings.secrets_dir is None:
        raise FlashsaleError("FLASHSALE_SECRETS_DIR is not set; it names the folder that keeps the secrets")
    return settings.secrets_dir


def _grant() -> int:
    settings = load_settings()
    try:
        ensure_secrets(_master(settings))
        for service in PLAIN:
            hand_over(GRANTS / service, grants(service, settings.secret, settings, PROJECT))
    except OSError as error:
        raise FlashsaleError(f"secrets: {error.filename}: {error.strerror}") from error
    sys.stdout.write(f"{len(SECRETS)} secrets, handed to {len(PLAIN)} services\n")
    return 0


def hand_over(folder: Path, files: dict[str, str]) -> None:
    """Make `folder` hold exactly `files`, each readable by its owner and group alone; what is right is left alone."""
    folder.mkdir(exist_ok=True)
    folder.chmod(0o750)
    for name, text in files.items():
        path = folder / name
        if not path.exists() or path.read_text() != text:
            write_private(path, text)
        path.chmod(0o400 if name in PRIVATE else 0o440)
    for path in folder.iterdir():
        if path.name not in files:
            path.unlink()


if __name__ == "__main__":
    sys.exit(main())
