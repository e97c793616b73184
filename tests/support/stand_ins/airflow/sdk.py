"""As airflow.sdk: functions that become tasks, whose calls are noted and made later, in their order, by `DAG.test`."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from airflow.exceptions import AirflowFailException

Function = Callable[..., Any]


@dataclass
class Call:
    """A task of a DAG; as an argument of another it stands for what it will return."""

    function: Function
    arguments: tuple[Any, ...]


@dataclass
class DAG:
    name: str
    options: dict[str, Any]
    calls: list[Call] = field(default_factory=list)
    tried: list[str] = field(default_factory=list)

    def test(self) -> dict[str, Any]:
        """What each task returned. Values pass between tasks as JSON, as XComs do."""
        returned: dict[int, Any] = {}
        for call in self.calls:
            given = [json.loads(json.dumps(returned[id(one)])) if isinstance(one, Call) else one for one in call.arguments]
            returned[id(call)] = self._try(call.function, given)
        return {call.function.__name__: returned[id(call)] for call in self.calls}

    def _try(self, function: Function, given: list[Any]) -> Any:
        for left in range(self.options["default_args"]["retries"], -1, -1):
            self.tried.append(function.__name__)
            try:
                return function(*given)
            except AirflowFailException:
                raise
            except Exception:
                if not left:
                    raise
        return None


_open: list[DAG] = []
made: list[DAG] = []
"""All that the process has made."""


def dag(**options: Any) -> Callable[[Function], Function]:
    def decorated(function: Function) -> Function:
        def make() -> DAG:
            one = DAG(function.__name__, options)
            _open.append(one)
            function()
            made.append(_open.pop())
            return one

        return make

    return decorated


def task(function: Function) -> Function:
    def call(*arguments: Any) -> Call:
        _open[-1].calls.append(Call(function, arguments))
        return _open[-1].calls[-1]

    return call
