"""The one place that runs the docker command: in the folder of the compose file, with a time limit."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from containers.host.findings import one_line

TIMEOUT_SECONDS = 15.0


class EngineError(Exception):
    """The docker command failed; the message is one line."""


@dataclass(frozen=True)
class Output:
    """What a command left behind."""

    code: int
    out: str
    err: str


class Docker:
    """The docker command for the compose project in `folder`.

    The project's name, file, `.env` and engine are what Compose itself finds there:
    COMPOSE_PROJECT_NAME, DOCKER_HOST and the docker context count as for the user.
    """

    def __init__(self, folder: Path, program: str = "docker") -> None:
        self.folder = folder
        self._program = program

    def run(self, *arguments: str, timeout: float = TIMEOUT_SECONDS, merged: bool = False) -> Output:
        """Run ``docker <arguments>``; `merged` keeps both streams in the order they were written.

        Raises EngineError when there is no docker command or it does not end in time.
        """
        try:
            done = subprocess.run(
                [self._program, *arguments],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT if merged else subprocess.PIPE,
                timeout=timeout,
                check=False,
                # Its messages are read below: in the language they are looked for.
                env={**os.environ, "LC_ALL": "C", "NO_COLOR": "1"},
            )
        except FileNotFoundError:
            raise EngineError(f"{self._program} is not on the PATH") from None
        except PermissionError:
            raise EngineError(f"{self._program} may not be run by this user") from None
        except subprocess.TimeoutExpired:
            command = one_line(" ".join(arguments), 60)
            raise EngineError(f"`docker {command}` did not end within {timeout:.0f} s") from None
        error = (done.stderr or b"").decode(errors="replace")
        return Output(done.returncode, done.stdout.decode(errors="replace"), error)

    def text(self, *arguments: str, timeout: float = TIMEOUT_SECONDS) -> str:
        """Standard output of a command that must succeed; raises EngineError with its last line otherwise."""
        output = self.run(*arguments, timeout=timeout)
        if output.code != 0:
            raise EngineError(last_line(output.err) or f"`docker {arguments[0]}` ended with {output.code}")
        return output.out

    def endpoint(self) -> str:
        """Address of the engine, such as ``unix:///var/run/docker.sock``; empty when docker does not say."""
        output = self.run("context", "inspect", "--format", "{{.Endpoints.docker.Host}}")
        return output.out.strip() if output.code == 0 else os.environ.get("DOCKER_HOST", "")


def last_line(text: str) -> str:
    """The last line that is not blank, as one line of limited length."""
    lines = [line for line in text.splitlines() if line.strip()]
    return one_line(lines[-1]) if lines else ""
