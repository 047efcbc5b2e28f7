"""The real services as plain processes on one machine: for `make demo` and for the tests.

Nothing here knows what the services compute; they are started as processes only.
"""
