"""Demand of a (product, warehouse): what is remembered, what follows from it, what the plan and shipments add."""
