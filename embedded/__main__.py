"""``python -m embedded demo|down|status|clean``."""

import argparse
import sys

from embedded.config import load_config
from flashsale.errors import exit_with_one_line


def main() -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m embedded", description="The whole pipeline on one machine.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("demo", help="start everything and keep it running until Ctrl-C")
    commands.add_parser("down", help="stop everything; the data stays")
    commands.add_parser("status", help="one line per service; exit code 0 only when all is well")
    commands.add_parser("clean", help="forget all data, logs and secrets; refuses while the stack runs")
    command = parser.parse_args().command

    def run() -> int:
        config = load_config()
        if command == "demo":
            from embedded.supervisor import demo

            return demo(config)
        if command == "status":
            from embedded.status import status

            return status(config)
        from embedded import take_down

        return take_down.down(config) if command == "down" else take_down.clean(config)

    return exit_with_one_line(run)


if __name__ == "__main__":
    sys.exit(main())
