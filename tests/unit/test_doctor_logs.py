"""The one line of a log that says what went wrong; the logs are those the services really write."""

import pytest

from containers.host.logs import error_line

MONGO = (
    '{"t":{"$date":"2026-11-21T11:50:22.394+00:00"},"s":"I",  "c":"ACCESS",   "id":20254,   "ctx":"main",'
    '"msg":"Read security file failed","attr":{"error":{"code":30,"codeName":"InvalidPath",'
    '"errmsg":"Error reading file /nonexist: No such file or directory"}}}\n'
    '{"t":{"$date":"2026-11-21T11:50:22.394+00:00"},"s":"F",  "c":"CONTROL",  "id":20575,   "ctx":"main",'
    '"msg":"Error creating service context","attr":{"error":"Location5579201: Unable to acquire security key[s]"}}\n'
    '{"t":{"$date":"2026-11-21T11:50:22.394+00:00"},"s":"I",  "c":"ASIO", "id":22582, "ctx":"main",'
    '"msg":"Killing all outstanding egress activity."}\n'
)
REDIS_ACL = (
    "1:M 21 Nov 2026 11:50:22.035 # Aborting Redis startup because of ACL errors: Error loading ACLs, "
    "opening file '/nonexist': No such file or directory\n"
)
REDIS_CONFIG = (
    "\n*** FATAL CONFIG FILE ERROR (Redis 7.0.15) ***\nReading the configuration file, at line 2\n"
    ">>> 'badopt \"1\"'\nBad directive or wrong number of arguments\n"
)
POSTGRES = (
    "2026-11-21 11:50:23.600 UTC [1] FATAL:  could not map anonymous shared memory: Cannot allocate memory\n"
    "2026-11-21 11:50:23.600 UTC [1] HINT:  This error usually means that PostgreSQL's request exceeded memory.\n"
    "2026-11-21 11:50:23.601 UTC [1] LOG:  database system is shut down\n"
)
HADOOP = (
    "2026-11-21 11:50:24 ERROR NameNode:1981 - Failed to start namenode.\n"
    "java.lang.IllegalArgumentException: Invalid URI for NameNode address (check fs.defaultFS): file:///\n"
    "\tat org.apache.hadoop.hdfs.server.namenode.NameNode.main(NameNode.java:1976)\n"
    "2026-11-21 11:50:24 INFO  ExitUtil:248 - Exiting with status 1: java.lang.IllegalArgumentException: "
    "Invalid URI for NameNode address\n"
    "2026-11-21 11:50:24 INFO  NameNode:822 - SHUTDOWN_MSG: \n"
    "/************************************************************\n"
    "SHUTDOWN_MSG: Shutting down NameNode at 3102c0a0a4b7/172.17.0.2\n"
    "************************************************************/\n"
)
SPARK = "WARNING: Using incubator modules: jdk.incubator.vector\nUsage: Master [options]\n\nOptions:\n  -h HOST\n"
AIRFLOW_CONSOLE = (
    "2026-11-21T11:59:56.223177Z [\x1b[31merror    \x1b[0m] Database is away  [airflow.x] loc=on.py:48\n"
    "2026-11-21T11:59:56.226017Z [info     ] Application startup complete.  [uvicorn.error] loc=on.py:62\n"
)
AIRFLOW_JSON = (
    '{"timestamp":"2026-11-21T11:59:56Z","level":"error","event":"Task failed with exception",'
    '"error_detail":[{"exc_type":"KeyError","exc_value":"\'minute\'"}]}\n'
)
OURS = "2026-11-21T12:00:10Z INFO generator tick 39\nerror: published KPIs: Redis does not answer (timed out)\n"
TRACEBACK = (
    'Traceback (most recent call last):\n  File "/x.py", line 1, in <module>\nModuleNotFoundError: no module x\n'
)


@pytest.mark.parametrize(
    ("log", "line"),
    [
        (MONGO, "Error creating service context: Location5579201: Unable to acquire security key[s]"),
        (
            REDIS_ACL,
            "Aborting Redis startup because of ACL errors: Error loading ACLs, opening file '/nonexist': "
            "No such file or directory",
        ),
        (
            REDIS_CONFIG,
            "FATAL CONFIG FILE ERROR (Redis 7.0.15): Reading the configuration file, at line 2 "
            ">>> 'badopt \"1\"' Bad directive or wrong number of arguments",
        ),
        (POSTGRES, "FATAL: could not map anonymous shared memory: Cannot allocate memory"),
        (
            HADOOP,
            "INFO ExitUtil:248 - Exiting with status 1: java.lang.IllegalArgumentException: "
            "Invalid URI for NameNode address",
        ),
        (SPARK, "Usage: Master [options]"),
        (AIRFLOW_CONSOLE, "[error ] Database is away [airflow.x] loc=on.py:48"),
        (AIRFLOW_JSON, "Task failed with exception: KeyError: 'minute'"),
        (OURS, "error: published KPIs: Redis does not answer (timed out)"),
        (TRACEBACK, "ModuleNotFoundError: no module x"),
        ("starting\nall is fine\n", "all is fine"),
        ("", ""),
    ],
)
def test_the_line_that_says_what_went_wrong(log: str, line: str) -> None:
    assert error_line(log) == line


def test_credentials_in_an_address_are_masked_and_long_lines_cut() -> None:
    assert error_line("error: mongodb://jobs:s3cret@mongo:27017 refused") == "error: mongodb://***@mongo:27017 refused"
    assert len(error_line("error: " + "x" * 1000)) == 220
