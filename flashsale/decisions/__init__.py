"""What to do about each pair at risk, in expected money against waiting: pure."""
