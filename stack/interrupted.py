"""What there is after a Ctrl-C, said as it is."""

from __future__ import annotations

from contract.errors import LarderError
from stack.paths import StackPaths
from stack.supervision.supervisor_client import UP, Supervisor


def what_there_is(places: StackPaths) -> str:
    """Whether all, a part or nothing of the stack goes on, and what to do next."""
    supervisor = Supervisor(places)
    try:
        seen = supervisor.processes() if supervisor.runs() else []
    except LarderError:  # it ended meanwhile
        seen = []
    going = [process.name for process in seen if process.state in UP]
    if not seen:
        return "Larder does not run: `make up` starts it"
    if len(going) < len(seen):
        return f"Larder runs in part ({', '.join(going) or 'supervisord alone'}): `make up` starts the rest, `make down` stops it"
    return "Larder goes on in the background: `make up` watches it again, `make down` stops it"
