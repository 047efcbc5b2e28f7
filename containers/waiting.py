"""Wait for a server that is still starting."""

import time
from collections.abc import Callable

from flashsale.errors import ServiceUnavailableError, one_line

POLL_SECONDS = 0.5


def until_done(attempt: Callable[[], None], not_yet: tuple[type[Exception], ...], what: str, seconds: float) -> None:
    """Repeat `attempt` while it raises one of `not_yet`; raises ServiceUnavailableError after `seconds`.

    `what` begins the error's line: what did not happen.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            attempt()
        except not_yet as error:
            if time.monotonic() > deadline:
                line = f"{what} within {seconds:.0f} s ({one_line(error)[:160]})"
                raise ServiceUnavailableError(line) from error
            time.sleep(POLL_SECONDS)
        else:
            return
