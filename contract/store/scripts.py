"""The Lua scripts of contract/store/lua, each one atomic step."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files

from redis import Redis
from redis.commands.core import Script


def scripts(redis: Redis, *names: str) -> Mapping[str, Script]:
    """The scripts of these names, ready to be called on `redis`, which learns of each at its first call."""
    folder = files("contract.store") / "lua"
    return {name: redis.register_script((folder / f"{name}.lua").read_text()) for name in names}
