"""Start one service and wait until it answers; stop it and everything it started."""

import json
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import replace
from threading import Event, Lock

from embedded.config import ROOT, StackConfig
from embedded.environment import base_environment
from embedded.processes import ProcessTable, identify, stop
from embedded.run_records import RunRecord, State, forget_record, read_records
from embedded.service import NotAnsweringError, Service
from flashsale.errors import FlashsaleError

POLL_SECONDS = 0.1
PROBE_SECONDS = 0.4
LOG_BYTES = 20 * 1024 * 1024
"""A log larger than this is put aside at the next start; one such is kept."""


class CancelledError(FlashsaleError):
    """The stack is being stopped."""


class RunningService:
    """One service of a stack, from its start to its end."""

    def __init__(self, config: StackConfig, service: Service, order: int, cancelled: Event) -> None:
        self.service = service
        self.restarts = 0
        self._config = config
        self._order = order
        self._cancelled = cancelled
        self._lock = Lock()  # a restart and the end of the stack may meet
        self._process: subprocess.Popen[bytes] | None = None
        self._record: RunRecord | None = None

    def start(self) -> None:
        """Start and wait until ready (a one-shot: until it has exited with 0).

        Raises FlashsaleError that names the service, what happened and its log.
        """
        service = self.service
        service.prepare()
        for step in service.steps:
            if step.needed():
                self._spawn(step.argv)
                self._wait_exit(f"{service.name} ({step.name})")
        self._spawn(service.argv)
        if service.one_shot:
            self._wait_exit(service.name)
            service.done()
        else:
            self._wait_ready()
            self.note("ready")

    def exit_code(self) -> int | None:
        """How its process ended, None while it lives."""
        return None if self._process is None else self._process.poll()

    def stop(self) -> bool:
        """End all its processes; returns False when they had to be killed."""
        with self._lock:
            if self._record is None:
                return True
            self.note("stopping")
            service = self.service
            gone = stop(
                self._record.process, self._config.stack_id, service.name, service.stop_signal, service.stop_seconds
            )
            if self._process is not None:
                self._process.wait()
            forget_record(self._config.run, service.name)
            self._record = None
            return gone

    def clear_remains(self) -> None:
        """End what a dead leader left behind, before it is started again."""
        if self._record is not None:
            stop(self._record.process, self._config.stack_id, self.service.name, self.service.stop_signal, 0)

    def note(self, state: State) -> None:
        """Write the state down for `status`."""
        if self._record is not None:
            self._record = replace(self._record, state=state, restarts=self.restarts)
            self._record.save(self._config.run)

    def last_log_line(self) -> str:
        return last_line(self._config, self.service.name)

    def _spawn(self, argv: tuple[str, ...]) -> None:
        with self._lock:
            self._check_cancelled()
            self._spawn_process(argv)

    def _spawn_process(self, argv: tuple[str, ...]) -> None:
        name = self.service.name
        self._config.logs.mkdir(parents=True, exist_ok=True)
        self._config.run.mkdir(parents=True, exist_ok=True)
        log_file = self._config.logs / f"{name}.log"
        if log_file.exists() and log_file.stat().st_size > LOG_BYTES:
            log_file.replace(log_file.with_suffix(".log.1"))
        try:
            with log_file.open("ab") as log:
                self._process = subprocess.Popen(
                    argv,
                    cwd=ROOT,
                    env={**base_environment(self._config.stack_id, name), **self.service.env},
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
        except OSError as error:
            raise FlashsaleError(f"{name}: cannot start {argv[0]} ({error.strerror}); run `make install`") from error
        identity = identify(self._process.pid)
        if identity is not None:
            self._record = RunRecord(name, identity, self._order, "starting", self.restarts)
            self._record.save(self._config.run)

    def _wait_exit(self, what: str) -> None:
        deadline = time.monotonic() + self.service.start_seconds
        while (code := self.exit_code()) is None:
            self._check_cancelled()
            if time.monotonic() > deadline:
                self.stop()
                raise FlashsaleError(
                    f"{what} did not finish within {self.service.start_seconds:.0f} s; {self._log_hint()}"
                )
            time.sleep(POLL_SECONDS)
        if code != 0:
            raise FlashsaleError(f"{what} failed with exit code {code}: {self._log_hint()}")
        forget_record(self._config.run, self.service.name)
        self._record = None

    def _wait_ready(self) -> None:
        deadline = time.monotonic() + self.service.start_seconds
        ask = self.service.bring_up or self.service.probe
        while True:
            self._check_cancelled()
            if (code := self.exit_code()) is not None:
                raise FlashsaleError(f"{self.service.name} ended with exit code {code}: {self._log_hint()}")
            try:
                ask()
            except NotAnsweringError as error:
                reason = str(error)
            else:
                return
            if time.monotonic() > deadline:
                raise FlashsaleError(
                    f"{self.service.name} did not answer within {self.service.start_seconds:.0f} s ({reason}); "
                    f"{self._log_hint()}"
                )
            self._cancelled.wait(PROBE_SECONDS)

    def _check_cancelled(self) -> None:
        if self._cancelled.is_set():
            raise CancelledError(f"{self.service.name}: the stack is being stopped")

    def _log_hint(self) -> str:
        return f"{self.last_log_line()} (log: {self._config.logs / self.service.name}.log)"


def last_line(config: StackConfig, service: str) -> str:
    """The last line of a service's log that says something, at most 160 characters."""
    try:
        with (config.logs / f"{service}.log").open("rb") as log:
            log.seek(max(0, log.seek(0, 2) - 8192))
            lines = log.read().decode(errors="replace").splitlines()
    except OSError:
        return ""
    return next((_readable(line)[:160] for line in reversed(lines) if line.strip()), "")


def _readable(line: str) -> str:
    """The message of a line; mongod logs JSON."""
    try:
        fields = json.loads(line)
        return f"{fields['msg']} {fields.get('attr', {}).get('error', '')}".strip()
    except (ValueError, KeyError, TypeError, AttributeError):
        return line.strip()


def running_services(config: StackConfig) -> list[str]:
    """Names of the services that have processes, in start order."""
    table = ProcessTable(config.stack_id)
    recorded = [r.service for r in read_records(config.run) if table.members(r.process, r.service)]
    return recorded + sorted(set(table.marked.values()) - set(recorded))


def stop_recorded(config: StackConfig, services: Mapping[str, Service]) -> list[str]:
    """Stop what an earlier run left behind, last started first; returns the names."""
    names = []
    for record in reversed(read_records(config.run)):
        service = services.get(record.service)
        if service is None:
            forget_record(config.run, record.service)
            continue
        if ProcessTable(config.stack_id).members(record.process, record.service):
            names.append(record.service)
            stop(record.process, config.stack_id, record.service, service.stop_signal, service.stop_seconds)
        forget_record(config.run, record.service)
    # Processes of ours without a record: killed between their start and its writing down.
    for name in sorted(set(ProcessTable(config.stack_id).marked.values())):
        names.append(name)
        stop(None, config.stack_id, name, signal.SIGTERM, 5.0)
    return names
