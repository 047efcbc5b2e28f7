"""What a planner can know before the day: a sale as it would go if demand kept to the plan."""
