"""How many living workers the master counts."""

import json
import urllib.request

with urllib.request.urlopen("http://127.0.0.1:8080/json/") as answer:
    print(sum(worker["state"] == "ALIVE" for worker in json.load(answer)["workers"]))
