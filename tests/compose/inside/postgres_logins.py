"""Who may log in to PostgreSQL."""

import json

import psycopg2

outcome = {}
for name, login in {
    "nobody": "user=airflow",
    "wrong password": "user=airflow password=xxxxxxxxxxxxxxxx",
    "owner": "user=postgres",
}.items():
    try:
        psycopg2.connect(f"host=postgres dbname=airflow connect_timeout=5 passfile=/dev/null {login}").close()
        outcome[name] = "allowed"
    except psycopg2.OperationalError as error:
        outcome[name] = "refused" if "password" in str(error) else str(error)
print(json.dumps(outcome))
