"""What an administrator does to HDFS: safe mode and quotas, by Hadoop's own command."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from embedded import hdfs
from embedded.config import StackConfig

_HEAP_MB = 64


def dfsadmin(config: StackConfig, *words: str) -> str:
    """``hdfs dfsadmin`` as the superuser; what it prints, AssertionError when it fails."""
    command = (*hdfs._java(config, _HEAP_MB), "org.apache.hadoop.hdfs.tools.DFSAdmin")
    argv = (*command, "-fs", config.settings.hdfs_rpc, *words)
    done = subprocess.run(argv, env={**os.environ, **hdfs._env(config)}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@contextmanager
def safe_mode(config: StackConfig) -> Iterator[None]:
    dfsadmin(config, "-safemode", "enter")
    try:
        yield
    finally:
        dfsadmin(config, "-safemode", "leave")


@contextmanager
def space_quota(config: StackConfig, folder: str, size: str) -> Iterator[None]:
    dfsadmin(config, "-setSpaceQuota", size, folder)
    try:
        yield
    finally:
        dfsadmin(config, "-clrSpaceQuota", folder)
