"""Redis's access-control file: the users of `configs/redis/users.acl` with their generated passwords."""

import hashlib
from collections.abc import Callable
from string import Template

USERS = ("publisher", "dashboard_read", "dashboard_command", "notifier_read", "notifier_health")


def render_acl(template: str, secret: Callable[[str], str]) -> str:
    """The file's text; `secret` gives the text of ``redis_<user>``, of which only the SHA-256 is written.

    Redis knows no comments in it, so that the template's are left out.
    """
    hashes = {user: hashlib.sha256(secret(f"redis_{user}").encode()).hexdigest() for user in USERS}
    lines = [line for line in template.splitlines() if line and not line.startswith("#")]
    return Template("\n".join(lines) + "\n").substitute(hashes)
