"""Where messages go: URLs of a secret file, one a line, in the form of the library apprise.

A URL holds passwords and tokens.  Nothing of it is shown but its scheme and its host, and the host only as far as
apprise itself shows it (of some services it is a token).
"""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from apprise import Apprise

from flashsale.settings import Settings

FILE = "notify_targets"
MOST = 50


@dataclass(frozen=True, slots=True)
class Target:
    """`key` stays the same as long as the URL does; `label` is fit for logs."""

    key: str
    label: str
    url: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Targets:
    """The targets that can be used, and a line for each that cannot."""

    usable: tuple[Target, ...]
    problems: tuple[str, ...]


def targets_file(settings: Settings) -> Path:
    """The file of targets; it need not exist."""
    return (settings.secrets_dir or settings.home / "secrets") / FILE


def read_targets(settings: Settings) -> Targets:
    """What the file says now; a missing one means that there are no targets."""
    path = targets_file(settings)
    try:
        text = path.read_text()
    except FileNotFoundError:
        return Targets((), ())
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        return Targets((), (f"{path}: cannot be read ({why}); it should hold one URL a line",))
    found: dict[str, Target] = {}
    problems = []
    for number, line in enumerate(text.splitlines(), 1):
        url = line.strip()
        if not url or url.startswith("#"):
            continue
        plugin = instance(url)
        if plugin is None:
            problems.append(
                f"{FILE} line {number}: {_scheme(url)} is no target that apprise can use; "
                "its documentation lists the forms, for example mailtos://user:password@host?to=a@b or jsons://host/path"
            )
            continue
        target = Target(hashlib.sha256(url.encode()).hexdigest()[:12], label_of(plugin), url)
        found.setdefault(target.key, target)
    if len(found) > MOST:
        problems.append(f"{FILE}: at most {MOST} targets are used, got {len(found)}; send to a list or a channel")
    return Targets(tuple(found.values())[:MOST], tuple(problems))


def instance(url: str) -> Any:
    """apprise's plugin for `url`, None where it knows none or the URL lacks something."""
    return Apprise.instantiate(url, suppress_exceptions=True)


def label_of(plugin: Any) -> str:
    """``mailto://mail.example.com``: scheme and host as apprise shows them to strangers."""
    parts = urlsplit(str(plugin.url(privacy=True)))
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}"


def _scheme(url: str) -> str:
    scheme, separator, _ = url.partition("://")
    known = separator and scheme.isascii() and scheme.replace("+", "").isalnum() and len(scheme) <= 20
    return f"{scheme}://…" if known else "a text without a scheme"
