"""Settings of what is told: logs and traces; notices of what became of runs; and what is kept of changes."""

from __future__ import annotations

import shlex
from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

WEB = ("http://", "https://")


Level = Literal["DEBUG", "INFO", "WARNING", "ERROR"]


class TelemetrySettings(BaseModel):
    """What processes say of themselves."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    log_level: Level = Field("INFO", description="The least severe message that is logged.")
    log_format: Literal["text", "json"] = Field(
        "text",
        description="How trainer and workers log: lines to read, or JSON objects with run, shard and trace. The API's are JSON always.",
    )
    otlp_endpoint: str = Field(
        "",
        description="Address to which traces are sent, by OTLP over HTTP, as in http://collector:4318; empty: no traces (docs/traces.md).",
    )
    trace_ratio: float = Field(
        0.01,
        ge=0,
        le=1,
        description="Share of requests that the API traces. A request with a sampled traceparent is always traced.",
    )

    @field_validator("otlp_endpoint")
    @classmethod
    def _web_address(cls, value: str) -> str:
        try:
            usable = not value or (
                value.startswith(("http://", "https://")) and bool(urlsplit(value).hostname) and urlsplit(value).port != 0
            )
        except ValueError:  # a port that is no number
            usable = False
        if not usable:
            raise ValueError("expected http://host:port or https://host:port of a collector")
        return value


class NoticeSettings(TelemetrySettings):
    """Each is an address that JSON is posted to, or a command that gets it on its standard input."""

    on_promoted: str = Field(
        "",
        description="Address (https://...) or command that is told when a generation is promoted; empty: nobody is told (docs/notices.md).",
    )
    on_refused: str = Field("", description="The same when the gate refuses a generation.")
    on_failed: str = Field("", description="The same when a run or a generation fails.")
    on_stopped: str = Field("", description="The same when an experiment ends by itself, since an arm is worse.")
    notice_secret: SecretStr = Field(SecretStr(""), description="Secret of the HMAC that signs what is posted; empty: it is not signed.")

    audit_entries: int = Field(
        1000, ge=0, le=100_000, description="How many changes the audit log keeps, by routes, pages and commands; 0: none are recorded."
    )

    @field_validator("on_promoted", "on_refused", "on_failed", "on_stopped")
    @classmethod
    def _address_or_command(cls, value: str) -> str:
        try:
            usable = (
                bool(urlsplit(value).hostname) if value.startswith(WEB) else "://" not in value.split(" ")[0] and bool(shlex.split(value))
            )
        except ValueError:  # a quotation mark that is open, a port that is no number
            usable = False
        if value and not usable:
            raise ValueError("expected https://host/path, http://host/path or a command")
        return value

    @property
    def notices(self) -> dict[str, str]:
        """Who is told of what."""
        told = {"promoted": self.on_promoted, "refused": self.on_refused, "failed": self.on_failed, "stopped": self.on_stopped}
        return {event: target for event, target in told.items() if target}
