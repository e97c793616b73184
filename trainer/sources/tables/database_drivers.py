"""What databases other than PostgreSQL and SQLite need said before they are read: driver, password, reading alone, UTC."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from contract.settings.drivers import DRIVERS, driver_of

_MYSQL = ("mysql", "mariadb")
_MYSQL_OPTIONS = "~/.my.cnf"


def with_driver(url: sa.URL) -> sa.URL:
    """`url` with the driver that Larder installs for it, and with the password that its environment variable holds."""
    name = driver_of(url.drivername)
    if name:
        url = url.set(drivername=DRIVERS[name].schemes[url.drivername])
    variable = DRIVERS[name].password if (name := name or driver_of(url.get_backend_name())) else ""
    if variable and url.password is None and (password := os.environ.get(variable)):
        url = url.set(password=password)
    return url


def connecting(url: sa.URL) -> dict[str, Any]:
    """Arguments of the driver's `connect`."""
    if url.get_backend_name() == "duckdb":
        # Opened for reading: else a misspelt name would make an empty database. A query reads this file and no other of the machine.
        return {"read_only": True, "config": {"enable_external_access": "false"}}
    if url.get_backend_name() in _MYSQL and Path(_MYSQL_OPTIONS).expanduser().is_file():
        return {"read_default_file": _MYSQL_OPTIONS}
    return {}


def prepare(url: sa.URL, connection: sa.Connection, limit: int | None) -> None:
    """Called before a SELECT. `limit`: how many of its rows are asked for."""
    if url.get_backend_name() in _MYSQL:
        connection.exec_driver_sql("SET SESSION time_zone = '+00:00'")  # a TIMESTAMP is shown in it
        if limit is not None:  # its driver fetches all that is left of a result before it lets go of it
            connection.exec_driver_sql(f"SET SESSION sql_select_limit = {int(limit)}")
        connection.exec_driver_sql("SET SESSION TRANSACTION READ ONLY")
        connection.commit()
