"""From a scenario to facts in MongoDB: demand, stock, and the writer at the door."""
