"""The contract every service of the war room imports.

Settings, table schemas, key and path names, KPI and snapshot types, pure maths
and the stores.  This package imports no service.
"""

CONTRACT_VERSION = 2
"""Version of the stored layouts (MongoDB documents, Redis parts, HDFS files)."""
