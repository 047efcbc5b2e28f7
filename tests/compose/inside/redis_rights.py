"""Which of the given [name, login, *command] Redis allows."""

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


for name, user, *command in json.loads(sys.argv[1]):
    attempt(name, user, *command)
print(json.dumps(outcome))
