"""What reads databases and tables that not everybody has: installed where it is asked for, from locks of its own (driver-*.txt)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec


@dataclass(frozen=True, slots=True)
class Driver:
    """`module`: what is imported. `schemes`: of addresses, and what SQLAlchemy calls them. `password`: the variable that holds it."""

    module: str
    schemes: Mapping[str, str]
    password: str = ""


DRIVERS: Mapping[str, Driver] = {
    "delta": Driver("deltalake", {}),
    "iceberg": Driver("pyiceberg", {}),
    "mysql": Driver("pymysql", {"mysql": "mysql+pymysql", "mariadb": "mariadb+pymysql"}, "MYSQL_PWD"),
    "duckdb": Driver("duckdb_engine", {"duckdb": "duckdb"}),
    "clickhouse": Driver(
        "clickhouse_connect", {"clickhouse": "clickhousedb+connect", "clickhousedb": "clickhousedb+connect"}, "CLICKHOUSE_PASSWORD"
    ),
    "bigquery": Driver("sqlalchemy_bigquery", {"bigquery": "bigquery"}),
    "snowflake": Driver("snowflake.sqlalchemy", {"snowflake": "snowflake"}, "SNOWFLAKE_PASSWORD"),
    "sqlserver": Driver("pymssql", {"sqlserver": "mssql+pymssql", "mssql": "mssql+pymssql"}, "MSSQL_PASSWORD"),
    "objects": Driver("obstore", {}),
    "kafka": Driver("confluent_kafka", {}),
    "spark": Driver("pyspark", {}),
    "tracing": Driver("opentelemetry.exporter.otlp.proto.http", {}),
}


def driver_of(scheme: str) -> str:
    """The name of the driver for addresses that begin with `scheme`; "" where none is needed, or known."""
    return next((name for name, driver in DRIVERS.items() if scheme in driver.schemes), "")


def how_to_install(name: str) -> str:
    """What is to be said where driver `name` is not installed; "" where it is."""
    try:
        if find_spec(DRIVERS[name].module):
            return ""
    except ModuleNotFoundError:  # of a package that it would be in
        pass
    return (
        f"it needs the driver {name}, which is not installed: `make up LARDER_DRIVERS={name}` installs it, in containers "
        f"`LARDER_DRIVERS={name} docker compose up --build`, and elsewhere `pip install --no-deps -r requirements/driver-{name}.txt`"
    )


def password_variable(scheme: str) -> str:
    """The environment variable that holds the password of a database."""
    name = driver_of(scheme.partition("+")[0])
    return (DRIVERS[name].password if name else "") or "PGPASSWORD"
