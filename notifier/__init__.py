"""Tells those who are not looking: what rings on the page, and faults of the pipeline, by mail, chat or webhook."""
