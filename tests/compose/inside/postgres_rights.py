"""Airflow's own role, and whether it is superuser, may make roles, may make databases."""

import psycopg2

with psycopg2.connect("host=postgres dbname=airflow user=airflow connect_timeout=5") as connection:
    cursor = connection.cursor()
    cursor.execute("SELECT rolname, rolsuper, rolcreaterole, rolcreatedb FROM pg_roles WHERE rolname = current_user")
    print(" ".join("t" if value is True else "f" if value is False else value for value in cursor.fetchone()))
