"""What `flashsale-archive` can do besides `run`: a module for each command."""
