"""Which of the given addresses take a connection."""

import socket
import sys

for target in sys.argv[1:]:
    host, port = target.rsplit(":", 1)
    try:
        socket.create_connection((host, int(port)), 2).close()
        print("open", target)
    except OSError:
        print("closed", target)
