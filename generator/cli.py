"""``flashsale-generate``: the facts of a sale, live or simulated."""

import argparse
import sys
from collections.abc import Sequence
from typing import NoReturn

from flashsale.errors import exit_with_one_line
from generator import checking as check_command
from generator.importing import command as import_command
from generator.planning import command as plan_command
from generator.running import command as run_command
from generator.truth import command as truth_command

COMMANDS = (run_command, plan_command, truth_command, check_command, import_command)
"""Modules of the sub-commands: `add_parser(commands)` adds one, whose default `run` is `run(options) -> exit code`."""


class OneLineParser(argparse.ArgumentParser):
    """Tells a mistake in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"error: {message}; `{self.prog} --help` tells more\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point; 0 when done or told to stop, 1 after a failure, 2 for wrong options, each told in one line."""
    parser = OneLineParser(prog="flashsale-generate", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add_parser(commands)
    options = parser.parse_args(arguments)
    return exit_with_one_line(lambda: options.run(options))


if __name__ == "__main__":
    sys.exit(main())
