"""Settings of the API alone: where it listens, who may ask it, and what stands in front of it."""

from __future__ import annotations

import re
from ipaddress import ip_network
from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from contract.text import words

PATH_PREFIX = re.compile(r"(/(?!\.{1,2}(?:/|$))[A-Za-z0-9._~-]+)+", re.ASCII)
_ORIGIN = re.compile(r"https?://(?:[a-z0-9.-]+|\[[0-9a-f:]+\])(?::[0-9]{1,5})?", re.ASCII | re.IGNORECASE)
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", re.ASCII)


def is_origin(text: str) -> bool:
    """Whether a browser would name an origin so: scheme and host, perhaps a port, and nothing behind."""
    try:
        return _ORIGIN.fullmatch(text) is not None and urlsplit(text).port != 0
    except ValueError:  # a port beyond 65535
        return False


class ApiSettings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    api_host: str = Field("0.0.0.0", description="Address that the API listens on.")  # noqa: S104 (a container's port is published by who runs it)
    api_port: int = Field(5000, ge=1, le=65535, description="Port that the API listens on.")
    api_workers: int = Field(2, ge=1, le=256, description="gunicorn workers.")
    api_threads: int = Field(4, ge=1, le=256, description="Threads of one gunicorn worker.")
    api_connections: int = Field(1000, ge=8, le=100_000, description="Connections that one gunicorn worker holds open at the same time.")
    api_keepalive_s: int = Field(
        75, ge=1, le=3600, description="How long a connection without a request stays open. It should be longer than the proxy's own limit."
    )
    api_read_timeout_s: float = Field(10.0, gt=0, le=600, description="How long the head and body of a request may take to arrive.")
    api_queue_s: float = Field(0.5, gt=0, le=60, description="A request that has waited for a thread for this long is answered with 503.")
    api_drain_s: float = Field(
        0.0, ge=0, le=15, description="How long the API still answers requests after SIGTERM. Meanwhile /health/ready answers 503."
    )
    api_read_keys: SecretStr = Field(SecretStr(""), description="Keys for reading, separated by commas; empty: everybody may read.")
    api_read_keys_file: str = Field("", description="File of more keys for reading, one a line.")
    api_admin_keys: SecretStr = Field(SecretStr(""), description="Keys for reading and changing, separated by commas.")
    api_admin_keys_file: str = Field("", description="File of more keys for reading and changing, one a line.")
    api_write_keys: SecretStr = Field(SecretStr(""), description="Keys for sending events, and nothing else, separated by commas.")
    api_write_keys_file: str = Field("", description="File of more keys for sending events, one a line.")
    api_keys_file: str = Field("", description="File of named keys: name, access, SHA-256, and perhaps routes and a rate, one a line.")
    api_max_age_s: int = Field(0, ge=0, le=86400, description="How long clients may keep a list without asking whether it has changed.")
    api_root_path: str = Field("", description="Path under which a proxy serves the API, as in /larder; empty: at the root of its host.")
    api_public_origin: str = Field(
        "", description="Origin that browsers know the API by, as in https://shop.example: forms of the pages are taken from there, too."
    )
    api_trusted_proxies: str = Field(
        "", description="Addresses or networks of proxies, with commas between, whose headers about the client are believed; empty: none."
    )
    api_user_header: str = Field(
        "",
        pattern=r"^([A-Za-z][A-Za-z0-9-]{0,63})?$",
        description="Header in which a trusted proxy names who has signed in, as in X-Forwarded-Email: pages ask for no key then.",
    )
    api_admin_users: str = Field(
        "",
        description="Who of those whom the proxy names may change things on the pages, with commas between; *: all. The others may look.",
    )
    api_forwarded: Literal["x-forwarded", "forwarded"] = Field(
        "x-forwarded", description="Which headers the trusted proxies set: X-Forwarded-For, -Proto and -Host, or Forwarded."
    )
    api_cors_origins: str = Field("", description="Origins whose pages' scripts may ask the API, with commas between; *: all; empty: none.")
    api_cors_methods: str = Field("GET,POST", description="Methods that pages of other origins may use.")
    api_cors_headers: str = Field(
        "Authorization,Content-Type,If-None-Match,X-API-Key,X-Request-ID", description="Headers that pages of other origins may send."
    )
    api_cors_max_age_s: int = Field(600, ge=0, le=86400, description="How long a browser may remember what pages of another origin may do.")

    api_image_origins: str = Field(
        "", description="Origins of items' pictures that the explorer may show, as in https://images.shop.example, with commas between."
    )
    manual: str = Field(
        "", description="Folder of the manual, as `make docs-site` makes it, which the API serves below /manual; empty: none."
    )

    @field_validator("api_root_path")
    @classmethod
    def _root_path(cls, value: str) -> str:
        if value and not PATH_PREFIX.fullmatch(value):
            raise ValueError("expected a path without a slash at its end, as in /larder or /shop/recommendations")
        return value

    @field_validator("api_public_origin")
    @classmethod
    def _public_origin(cls, value: str) -> str:
        if value and not is_origin(value):
            raise ValueError("expected an origin, scheme and host alone, as in https://shop.example")
        return value.lower()

    @field_validator("api_trusted_proxies")
    @classmethod
    def _networks(cls, value: str) -> str:
        for word in words(value):
            try:
                ip_network(word)
            except ValueError:
                raise ValueError(f"{word[:64]!r} is not an address or a network, as in 10.0.0.7 or 10.0.0.0/8") from None
        return value

    @field_validator("api_cors_origins")
    @classmethod
    def _origins(cls, value: str) -> str:
        for word in words(value):
            if word != "*" and not is_origin(word):
                raise ValueError(f"{word[:64]!r} is not an origin, scheme and host alone, as in https://shop.example")
        return value

    @field_validator("api_image_origins")
    @classmethod
    def _image_origins(cls, value: str) -> str:
        for word in words(value):
            if not is_origin(word):
                raise ValueError(f"{word[:64]!r} is not an origin, scheme and host alone, as in https://images.shop.example")
        return value

    @field_validator("api_cors_methods", "api_cors_headers")
    @classmethod
    def _tokens(cls, value: str) -> str:
        for word in words(value):
            if not _TOKEN.fullmatch(word):
                raise ValueError(f"{word[:64]!r} is not a name: expected names with commas between")
        return value
