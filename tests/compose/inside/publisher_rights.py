"""Which Redis commands the publisher may give."""

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


key = f"fs:{sys.argv[1]}:current"
attempt("read its keys", "publisher", "GET", key)
attempt("other keys", "publisher", "SET", "other", "x")
attempt("keys", "publisher", "KEYS", "*")
attempt("flushall", "publisher", "FLUSHALL")
attempt("config", "publisher", "CONFIG", "GET", "*")
attempt("acl", "publisher", "ACL", "LIST")
attempt("shutdown", "publisher", "SHUTDOWN")
attempt("script", "publisher", "EVAL", "return 1", "0")
print(json.dumps(outcome))
