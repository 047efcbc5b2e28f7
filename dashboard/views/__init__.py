"""One module per view of the page; each draws a `Scene`."""
