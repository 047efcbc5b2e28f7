"""Schedules only: what runs when. The work lives in spark_jobs."""
