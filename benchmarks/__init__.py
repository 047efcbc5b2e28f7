"""Measurements on real services; each prints a table and writes its section of docs/performance.md."""
