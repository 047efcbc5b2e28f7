"""Programs that tests run inside the stack's containers, given on standard input; each prints one JSON line."""
