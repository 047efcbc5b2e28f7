"""Which Redis commands each login may give."""

import json
import sys

import redis

from flashsale.settings import load_settings

settings, outcome = load_settings(), {}


def attempt(name, user, *command):
    login = (
        {}
        if user is None
        else {"username": user, "password": "x" * 32 if user == "wrong" else settings.secret(f"redis_{user}")}
    )
    try:
        with redis.Redis("redis", 6379, driver_info=None, **login) as client:
            client.execute_command(*command)
        outcome[name] = "allowed"
    except redis.AuthenticationError:
        outcome[name] = "no login"
    except redis.ResponseError as error:
        outcome[name] = "refused" if "permission" in str(error).lower() else str(error)


key, stream = sys.argv[1:3]
attempt("nobody", None, "GET", key)
attempt("wrong password", "wrong", "GET", key)
attempt("read: get", "dashboard_read", "GET", key)
attempt("read: set", "dashboard_read", "SET", key, "x")
attempt("read: del", "dashboard_read", "DEL", key)
attempt("read: other keys", "dashboard_read", "GET", "other")
attempt("read: keys", "dashboard_read", "KEYS", "*")
attempt("read: flushall", "dashboard_read", "FLUSHALL")
attempt("read: config", "dashboard_read", "CONFIG", "GET", "*")
attempt("read: acl", "dashboard_read", "ACL", "LIST")
attempt("read: append", "dashboard_read", "XADD", stream, "*", "a", "b")
attempt("command: append", "dashboard_command", "XADD", stream, "MAXLEN", "0", "*", "a", "b")
attempt("command: append elsewhere", "dashboard_command", "XADD", "fs:other", "*", "a", "b")
attempt("command: read", "dashboard_command", "GET", key)
attempt("command: read its stream", "dashboard_command", "XRANGE", stream, "-", "+")
attempt("command: delete its stream", "dashboard_command", "DEL", stream)
attempt("command: flushall", "dashboard_command", "FLUSHALL")
print(json.dumps(outcome))
