"""``python -m containers.init_hdfs``: the pipeline's folder in HDFS, owned by its user; can be repeated."""

import sys

import requests
from hdfs import InsecureClient
from hdfs.util import HdfsError

from containers.waiting import until_done
from flashsale.errors import exit_with_one_line
from flashsale.hdfs_paths import ROOT
from flashsale.settings import load_settings

SUPERUSER = "hadoop"
"""As whom docker-compose.yml starts the NameNode (HADOOP_USER_NAME)."""
WAIT_SECONDS = 120.0


def main() -> int:
    """Entry point; returns the exit code."""
    return exit_with_one_line(_set_up)


def _set_up() -> int:
    settings = load_settings()
    session = requests.Session()
    session.trust_env = False
    client = InsecureClient(settings.hdfs_http, user=SUPERUSER, timeout=10, session=session)

    def make_folder() -> None:
        client.makedirs(ROOT)
        client.set_owner(ROOT, owner=settings.hdfs_user, group="flashsale")
        client.set_permission(ROOT, "755")

    # Until the DataNode is there the NameNode is in safe mode and refuses.
    not_yet = (HdfsError, requests.exceptions.RequestException)
    until_done(make_folder, not_yet, f"HDFS at {settings.hdfs_http} took no folder", WAIT_SECONDS)
    sys.stdout.write(f"HDFS: {ROOT} belongs to {settings.hdfs_user}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
