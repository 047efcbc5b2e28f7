"""``python -m containers.init_hdfs``: the pipeline's folder in HDFS, owned by its user; can be repeated."""

import sys
import time

import requests
from hdfs import InsecureClient
from hdfs.util import HdfsError

from flashsale.errors import ServiceUnavailableError, exit_with_one_line, one_line
from flashsale.hdfs_paths import ROOT
from flashsale.settings import load_settings

SUPERUSER = "hadoop"
"""Who starts the NameNode in its image."""
WAIT_SECONDS = 120.0
_POLL_SECONDS = 1.0


def main() -> int:
    """Entry point; returns the exit code."""
    return exit_with_one_line(_set_up)


def _set_up() -> int:
    settings = load_settings()
    session = requests.Session()
    session.trust_env = False
    client = InsecureClient(settings.hdfs_http, user=SUPERUSER, timeout=10, session=session)
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            client.makedirs(ROOT)
            client.set_owner(ROOT, owner=settings.hdfs_user, group="flashsale")
            client.set_permission(ROOT, "755")
            break
        # Until the DataNode is there the NameNode is in safe mode and refuses.
        except (HdfsError, requests.exceptions.RequestException) as error:
            if time.monotonic() > deadline:
                raise ServiceUnavailableError(
                    f"HDFS at {settings.hdfs_http} took no folder within {WAIT_SECONDS:.0f} s ({one_line(error)[:160]})"
                ) from error
            time.sleep(_POLL_SECONDS)
    sys.stdout.write(f"HDFS: {ROOT} belongs to {settings.hdfs_user}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
