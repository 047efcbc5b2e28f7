"""Which of the given addresses take a connection."""

import socket
import sys
from concurrent.futures import ThreadPoolExecutor


def attempt(target):
    host, port = target.rsplit(":", 1)
    try:
        socket.create_connection((host, int(port)), 2).close()
    except OSError:
        return f"closed {target}"
    return f"open {target}"


# What is cut off does not refuse, it does not answer: all at once, or every closed port costs two seconds.
with ThreadPoolExecutor(max_workers=64) as pool:
    print("\n".join(pool.map(attempt, sys.argv[1:])))
