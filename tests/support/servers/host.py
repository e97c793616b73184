"""A host of a deployment: its trainer, workers and API, with a folder of its own, and all of it dead at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil

from tests.support.servers.api_process import ApiProcess
from tests.support.servers.services import Services
from tests.support.servers.zygote import Zygote


class Host:
    """`place`: an address in an object store, of which the host keeps copies in its own folder."""

    def __init__(self, url: str, place: str, folder: Path, zygote: Zygote, **settings: object) -> None:
        folder.mkdir()
        self.services = Services(url, folder, zygote, **settings)
        self.services.environ["LARDER_ARTIFACTS"] = f"{place}?cache={folder}/copies"
        self.apis: list[ApiProcess] = []

    def api(self) -> ApiProcess:
        """Starts one, of a single process, so that what it answers once it answers always; `with` waits for it."""
        environ = {**self.services.environ, "LARDER_API_WORKERS": "1"}
        del environ["LARDER_REDIS_URL"]
        self.apis.append(ApiProcess(self.services.environ["LARDER_REDIS_URL"], **environ))
        return self.apis[-1]

    def processes(self) -> Iterator[psutil.Process]:
        for one in (*self.services.processes, *(api.process for api in self.apis)):
            with suppress(psutil.NoSuchProcess):
                process = psutil.Process(one.pid)
                yield from (process, *process.children(recursive=True))

    def die(self) -> None:
        """kill -9 of all that runs on it."""
        for process in list(self.processes()):
            with suppress(psutil.NoSuchProcess):
                process.kill()
