"""``python -m containers.init_airflow``: the tables and pools of Airflow, and its user ``admin`` with its password.

Runs again at every start: a new version migrates the tables, and the password is always the secret's.
"""

import subprocess
import sys

from flashsale.airflow_pools import POOLS
from flashsale.errors import FlashsaleError, exit_with_one_line
from flashsale.settings import load_settings

USER = "admin"
ROLE = "Admin"
_LONGEST_SECONDS = 300


def main() -> int:
    """Entry point; returns the exit code."""
    return exit_with_one_line(_set_up)


def _set_up() -> int:
    _airflow("db", "migrate")
    for name, (slots, what) in POOLS.items():
        _airflow("pools", "set", name, str(slots), what)
    _put_admin(load_settings().secret("airflow_admin"))
    sys.stdout.write(f"Airflow's database is migrated; its user is {USER}\n")
    return 0


def _airflow(*words: str) -> None:
    told = f"airflow {words[0]} {words[1]}"
    try:
        # The command of this image's own environment.
        done = subprocess.run(["airflow", *words], timeout=_LONGEST_SECONDS, check=False)  # noqa: S603, S607
    except subprocess.TimeoutExpired as error:
        raise FlashsaleError(f"{told} took more than {_LONGEST_SECONDS} s; is PostgreSQL well?") from error
    if done.returncode != 0:
        raise FlashsaleError(f"{told} failed with exit code {done.returncode}; its lines stand above")


def _put_admin(password: str) -> None:
    """In this process and not by `airflow users create`: an argument can be read by everyone on the machine."""
    from airflow.providers.fab.auth_manager.cli_commands.utils import get_application_builder
    from airflow.utils.providers_configuration_loader import providers_configuration_loaded

    @providers_configuration_loaded
    def put() -> None:
        with get_application_builder() as builder:
            security = builder.sm
            # The roles exist only once someone has synchronised them.
            security.sync_roles()
            known = security.find_user(username=USER)
            if known is not None:
                security.reset_password(known.id, password)
                return
            role = security.find_role(ROLE)
            if not role or not security.add_user(USER, "Operations", "Team", "ops@flashsale.invalid", role, password):
                raise FlashsaleError(f"Airflow took no user {USER} with the role {ROLE}")

    put()


if __name__ == "__main__":
    sys.exit(main())
