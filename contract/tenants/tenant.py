"""One tenant: its settings are the environment of the process, with its table of the file over it."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from contract.errors import SettingsError
from contract.settings.settings import PREFIX, SECRETS, Settings, hide_password, unknown

NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,46}[a-z0-9])?")
TENANT, TENANTS = f"{PREFIX}TENANT", f"{PREFIX}TENANTS"
ALL_OF_THEM = (TENANT, TENANTS)  # which a process of one tenant does not have: to it, there is one catalogue
FROM_ENVIRONMENT = "_env"
_SHOWABLE = re.compile(r"[A-Z_][A-Z0-9_]{0,63}", re.ASCII)
OF_PROCESS = {
    *("tenant", "tenants", "redis_url", "queue_url", "min_replicas", "processes", "lease_s", "kernels", "drivers", "manual"),
    *("api_host", "api_port", "api_workers", "api_threads", "api_connections", "api_keepalive_s", "api_read_timeout_s", "api_queue_s"),
    *("api_drain_s", "api_root_path", "api_trusted_proxies", "api_forwarded", "api_user_header", "api_public_origin"),
    *("log_level", "log_format", "otlp_endpoint", "trace_ratio"),
} & set(Settings.model_fields)
"""What one process can have but once. Redis is one: all queues lie in it, and the API shares its connections."""


@dataclass(frozen=True, slots=True)
class Tenant:
    """`environ`: every LARDER_ variable of it, secrets too; what a process that works for this tenant alone has."""

    name: str
    settings: Settings = field(repr=False, compare=False)
    environ: Mapping[str, str] = field(repr=False)

    def become(self) -> None:
        """Let this process, and those that it starts, work for this tenant alone."""
        for variable in ALL_OF_THEM:
            os.environ.pop(variable, None)
        os.environ.update(self.environ)


def tenant_of(name: str, table: Mapping[str, object], environ: Mapping[str, str]) -> Tenant:
    """Raises TableError, with the key that it is about; "" for the table as a whole."""
    if not NAME.fullmatch(name):
        raise TableError("", "expected a name of 1 to 48 of a-z, 0-9 and -, which begins and ends with no -")
    base = {variable: value for variable, value in environ.items() if variable.startswith(PREFIX) and variable not in ALL_OF_THEM}
    own: dict[str, str] = {}
    for key, value in table.items():
        setting, text = _read(key, value, environ)
        if setting in own:
            raise TableError(key, f"{setting} is set twice")
        own[setting] = text
    own.setdefault("namespace", name)
    own.setdefault("artifacts", below(base.get(f"{PREFIX}ARTIFACTS") or str(Settings.model_fields["artifacts"].default), name))
    whole = {**base, **{f"{PREFIX}{setting.upper()}": text for setting, text in own.items()}}
    try:
        return Tenant(name, Settings.from_environ(whole), whole)
    except SettingsError as error:
        said = str(error).partition("\n")[0]
        about = next((key for key in table if said.startswith(f"{PREFIX}{key.removesuffix(FROM_ENVIRONMENT).upper()}=")), "")
        raise TableError(about, said) from None


class TableError(ValueError):
    """What is wrong with a tenant's table."""

    def __init__(self, key: str, reason: str) -> None:
        super().__init__(reason)
        self.key = key


def below(artifacts: str, name: str) -> str:
    """The place `name` in `artifacts`: one tenant's runs would take another's artifacts for what was left behind."""
    place, mark, options = artifacts.partition("?")
    return f"{place.rstrip('/')}/{name}{mark}{options}"


def _read(key: str, value: object, environ: Mapping[str, str]) -> tuple[str, str]:
    """Setting and text, as a variable of the environment would have it."""
    setting = key.removesuffix(FROM_ENVIRONMENT) if key not in Settings.model_fields else key
    if setting in OF_PROCESS:
        raise TableError(key, f"{setting} is a setting of the whole process: set {PREFIX}{setting.upper()} for all tenants")
    if setting not in Settings.model_fields:
        raise TableError(key, unknown(f"{PREFIX}{setting.upper()}", list(Settings.model_fields)).replace(PREFIX, "").lower())
    if setting != key:
        if not isinstance(value, str) or not value:
            raise TableError(key, "expected the name of a variable of the environment, as text")
        if value not in environ:
            shown = value if _SHOWABLE.fullmatch(value) else "of this name"  # a secret may stand there in place of its variable
            raise TableError(key, f"the environment has no variable {shown}: set it, or take the line away")
        if not environ[value].strip():
            # Keys that are empty would open the tenant to everybody.
            raise TableError(key, f"the variable {value} of the environment is empty: set it, or take the line away")
        return setting, environ[value]
    if setting in SECRETS or (isinstance(value, str) and hide_password(value) != value):
        raise TableError(key, f'a secret does not stand in this file: set {setting}_env = "VARIABLE", and VARIABLE in the environment')
    if isinstance(value, bool):
        return setting, str(value).lower()
    if isinstance(value, str | int | float):
        return setting, str(value)
    if isinstance(value, list) and all(isinstance(word, str) for word in value):
        return setting, ",".join(value)
    raise TableError(key, "expected text, a number, true or false, or a list of texts")
