"""Bring your own orders: a CSV or Parquet file of real orders becomes a sale of its own."""
