"""``python3 -m containers.host status | doctor``: looks at the compose stack from the host."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from containers.host.doctor import doctor
from containers.host.engine import Docker, EngineError
from containers.host.findings import one_line
from containers.host.status import status

REPOSITORY = Path(__file__).resolve().parents[2]


def main(arguments: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python3 -m containers.host", description=__doc__)
    parser.add_argument("--project", type=Path, default=REPOSITORY, help="folder of the compose file")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("status", help="one line per service; exit code 0 only when all is well")
    doctoring = commands.add_parser("doctor", help="what is wrong and the way out; exit code 0 without problems")
    doctoring.add_argument("--before-up", action="store_true", help="only what must be true before a start")
    asked = parser.parse_args(arguments)
    docker = Docker(asked.project)
    try:
        return doctor(docker, asked.before_up) if asked.command == "doctor" else status(docker)
    except EngineError as error:
        print(f"error: {one_line(error)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130


if __name__ == "__main__":
    raise SystemExit(main())
