"""The one logger set-up: a line per event on stderr, UTC, no colours."""

import logging
import sys
import time


def configure_logging(service: str, level: str = "INFO") -> logging.Logger:
    """Set up the process's root logger and return the service's own.

    Libraries that chatter at INFO (py4j, hdfs, urllib3) are held at WARNING.
    """
    handler = logging.StreamHandler(sys.stderr)
    formatter = logging.Formatter("%(asctime)sZ %(levelname)s %(name)s %(message)s", "%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for noisy in ("py4j", "hdfs", "urllib3", "pymongo"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    return logging.getLogger(service)
