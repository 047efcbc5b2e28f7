"""Of a container's log, the one line that says what went wrong, in readable form."""

from __future__ import annotations

import json
import re
from typing import Any

from containers.host.container import Container
from containers.host.engine import Docker, EngineError
from containers.host.findings import one_line

TAIL_LINES = 300
RECENT = "15m"
MAX_CHARACTERS = 220

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_CREDENTIALS = re.compile(r"://[^/@\s:]+:[^/@\s]+@")
_STAMPS = (
    re.compile(r"^\d+:[XCSM] \d+ \w{3} \d{4} [\d:.]+ [#*.-] "),  # Redis
    re.compile(r"^\[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?: ?(?:Z|UTC|[+-]\d\d:?\d\d))?\]?\s*(?:\[\d+\] )?"),
    re.compile(r"^\d\d/\d\d/\d\d \d\d:\d\d:\d\d\s+"),  # Spark
)
_NOISE = re.compile(r"^\s*(at |\.\.\. \d+ more|File \"|\*{5,}|/\*{5,}|-+$)")
_SAYS_ERROR = re.compile(
    r"\b(?:ERROR|FATAL|CRITICAL|PANIC)\b"
    r"|^Usage: "  # the answer to arguments it does not know
    r"|\[(?:error|critical)\s*\]"
    r"|(?:^|\s)(?:error|fatal|panic)\s*:"
    r"|\b\w*(?:Error|Exception)\b(?::|$)"
    r"|\b(?:[Aa]borting|[Ff]atal|[Ff]ailed to|[Cc]annot|[Cc]ould not|Permission denied|No such file)\b"
)
_REDIS_BLOCK = "*** FATAL CONFIG FILE ERROR"


def error_line(text: str) -> str:
    """The last line of `text` that says an error, else its last line; empty for an empty log."""
    if _REDIS_BLOCK in text:
        # Redis explains itself in the lines below that one.
        return _tidy(text[text.rindex(_REDIS_BLOCK) :].replace("*** ", "").replace(" ***", ":"))
    lines = [line for line in _COLOUR.sub("", text).splitlines() if line.strip() and not _NOISE.match(line)]
    for line in reversed(lines):
        said = _error_of(line)
        if said:
            return _tidy(said)
    return _tidy(_readable(lines[-1])) if lines else ""


def last_error(docker: Docker, container: Container) -> str:
    """What the container's log says went wrong; a running one's old errors do not count."""
    recent = ("--since", RECENT) if container.state == "running" else ()
    for limits in ((*recent, "--tail", str(TAIL_LINES)), ("--tail", "1")):
        try:
            output = docker.run("logs", *limits, container.identifier, merged=True)
        except EngineError:
            return ""
        line = error_line(output.out) if output.code == 0 else ""
        if line:
            return line
    return ""


def _error_of(line: str) -> str:
    """The readable form of a line that says an error, else nothing."""
    entry = _entry(line)
    if entry is None:
        return _unstamped(line) if _SAYS_ERROR.search(line) else ""
    level = str(entry.get("s") or entry.get("level") or "").lower()
    return _readable(line) if level in ("e", "f", "error", "critical", "fatal") else ""


def _readable(line: str) -> str:
    entry = _entry(line)
    if entry is None:
        return _unstamped(line)
    said = str(entry.get("msg") or entry.get("event") or line)
    reason = _reason(entry)
    return f"{said}: {reason}" if reason and reason not in said else said


def _reason(entry: dict[str, Any]) -> str:
    """The cause beside the message: MongoDB's attributes, or the exception Airflow logged."""
    attributes = entry.get("attr")
    error = attributes.get("error") if isinstance(attributes, dict) else None
    if isinstance(error, dict):
        return str(error.get("errmsg") or error)
    if error:
        return str(error)
    details = entry.get("error_detail")
    if isinstance(details, list) and details and isinstance(details[-1], dict):
        return f"{details[-1].get('exc_type')}: {details[-1].get('exc_value')}"
    return str(attributes) if isinstance(attributes, dict) else ""


def _entry(line: str) -> dict[str, Any] | None:
    if not line.lstrip().startswith("{"):
        return None
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) else None


def _unstamped(line: str) -> str:
    for stamp in _STAMPS:
        line = stamp.sub("", line, count=1)
    return line


def _tidy(line: str) -> str:
    return one_line(_CREDENTIALS.sub("://***@", line), MAX_CHARACTERS)
