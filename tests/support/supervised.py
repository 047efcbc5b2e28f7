"""A supervisor in a process of its own, as `make demo` runs it, on a part of the services."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

from embedded.config import PORT_PREFIX, ROOT, StackConfig
from embedded.environment import settings_environment
from embedded.processes import ProcessTable
from embedded.run_records import read_records

_DEMO = """
import sys
from dataclasses import replace
from embedded.config import TEST_SIZES, load_config
from embedded.supervisor import Supervisor
from flashsale.errors import exit_with_one_line

def run():
    return Supervisor(replace(load_config(), sizes=TEST_SIZES), tuple(sys.argv[1:])).run()

sys.exit(exit_with_one_line(run))
"""


def command_environment(config: StackConfig) -> dict[str, str]:
    """What makes a command of ours work on the stack of `config`."""
    ports = {f"{PORT_PREFIX}{name.upper()}": str(port) for name, port in config.ports.model_dump().items()}
    return {**os.environ, **settings_environment(config), **ports}


def run_command(config: StackConfig, command: str) -> subprocess.CompletedProcess[str]:
    """``python -m embedded <command>`` on this stack."""
    return subprocess.run(
        [sys.executable, "-m", "embedded", command],
        cwd=ROOT,
        env=command_environment(config),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


class SupervisedStack:
    """Starts the supervisor; its output goes to a file, where tests wait for lines."""

    def __init__(self, config: StackConfig, output: Path, *services: str) -> None:
        self.config = config
        self._output = output
        self._file: IO[bytes] = output.open("wb")
        self.process = subprocess.Popen(
            [sys.executable, "-c", _DEMO, *services],
            cwd=ROOT,
            env=command_environment(config),
            stdout=self._file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    @property
    def text(self) -> str:
        return self._output.read_text()

    def wait_for(self, pattern: str, seconds: float = 120) -> str:
        """The first line that matches; AssertionError with all output when none comes."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for line in self.text.splitlines():
                if re.search(pattern, line):
                    return line
            if self.process.poll() is not None:
                break
            time.sleep(0.1)
        raise AssertionError(f"no line matches {pattern!r}:\n{self.text}")

    def pid_of(self, service: str, seconds: float = 60) -> int:
        """Of a service that was started or is about to be; AssertionError when no process of it comes."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for record in read_records(self.config.run):
                if record.service == service:
                    return record.process.pid
            time.sleep(0.05)
        raise AssertionError(f"no process of {service} was started:\n{self.text}")

    def send(self, number: signal.Signals) -> None:
        """To the whole group, as a terminal does."""
        os.killpg(self.process.pid, number)

    def wait(self, seconds: float = 120) -> int:
        code = self.process.wait(seconds)
        self._file.close()
        return code

    def survivors(self) -> dict[int, str]:
        return ProcessTable(self.config.stack_id).marked
