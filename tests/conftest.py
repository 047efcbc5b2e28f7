"""Fixtures of every kind of test; services start only when a test asks for them."""
