"""Spark jobs: facts to rollups to KPIs to Redis, and facts to HDFS."""
