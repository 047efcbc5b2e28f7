"""`status` and `doctor` of the compose stack: on the host, with Python 3.9+ and the docker command alone."""
