"""The services as containers: what their images run at the start, their health checks, and the host's tools."""
