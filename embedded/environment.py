"""What a service's process is told by its environment: a bare system, and only what it needs."""

import os
import sys
from pathlib import Path

from embedded.config import StackConfig
from embedded.processes import SERVICE_MARK, STACK_MARK
from flashsale.settings import ENV_PREFIX

_PASSED_ON = ("HOME", "USER", "LOGNAME", "TMPDIR", "JAVA_HOME", "LANG", "LC_ALL")


def bin_folder() -> Path:
    """Where the environment's commands are."""
    return Path(sys.executable).parent


def base_environment(stack_id: str, service: str) -> dict[str, str]:
    """For every service: find programs, and be found again by the stack."""
    passed = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    path = f"{bin_folder()}:{os.environ.get('PATH', '/usr/local/bin:/usr/bin:/bin')}"
    return {"LANG": "C.UTF-8", **passed, "PATH": path, STACK_MARK: stack_id, SERVICE_MARK: service}


def settings_environment(config: StackConfig) -> dict[str, str]:
    """The whole of `Settings`, for our own programs: they see the same values as their supervisor.

    Secrets are not among them; programs read those they use from their files.
    """
    values = {**config.settings.model_dump(), "home": config.home, "secrets_dir": config.secrets_dir}
    values["sale"] = config.settings.sale.absolute()
    told = {ENV_PREFIX + name.upper(): str(value) for name, value in values.items() if value is not None}
    return {**told, "PYTHONUNBUFFERED": "1"}
