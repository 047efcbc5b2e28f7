"""One GET to a service of this machine, with a short timeout and no proxy."""

import json
import urllib.error
import urllib.request
from typing import Any

from embedded.service import NotAnsweringError

_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
TIMEOUT_SECONDS = 5.0


def get_text(url: str) -> str:
    """Body of a 200 answer; raises NotAnsweringError."""
    try:
        with _OPENER.open(url, timeout=TIMEOUT_SECONDS) as answer:
            return str(answer.read().decode(errors="replace"))
    except urllib.error.HTTPError as error:
        raise NotAnsweringError(f"{url} answers {error.code}") from error
    except (OSError, ValueError) as error:
        raise NotAnsweringError(f"{url}: {error}") from error


def get_json(url: str) -> Any:
    """Parsed JSON of a 200 answer; raises NotAnsweringError."""
    try:
        return json.loads(get_text(url))
    except json.JSONDecodeError as error:
        raise NotAnsweringError(f"{url}: the answer is not JSON") from error
