"""Access to MongoDB, Redis and HDFS: one client factory and one module per concern."""
