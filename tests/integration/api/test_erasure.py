"""An erasure that is asked of the API while the artifact of what is served is gone: done in the lists, and what remains is said."""

from __future__ import annotations

import shutil
from collections.abc import Callable

import pytest
from rq.job import JobStatus

from contract.artifacts.artifact import folder_of
from contract.queue.jobs import train_queue
from tests.support.servers.api_process import ApiProcess, check_problem
from tests.support.servers.services import Services, await_that

ADMIN = "admin-" + "a" * 16
SECRET = "s" * 16


@pytest.mark.long
def test_nobody_is_served_whose_artifact_is_gone(services: Callable[..., Services]) -> None:
    stack = services(interactions="synthetic:700x300x20000", erasure_secret=SECRET, evaluate=False)
    stack.start("worker")
    done = stack.run("run", "--here", "--wait", "--force")
    assert done.returncode == 0, done.stderr
    served = stack.generations.current()
    assert served is not None
    shutil.rmtree(folder_of(stack.settings.artifacts) / served.generation)
    with ApiProcess(stack.environ["LARDER_REDIS_URL"], LARDER_API_ADMIN_KEYS=ADMIN, LARDER_ERASURE_SECRET=SECRET) as api:
        assert api.ask(123).status_code == api.ask(124).status_code == 200

        erased = stack.run("erase", "123", "--yes")
        assert erased.returncode == 10
        assert f"generation {served.generation}: there is no artifact" in " ".join(erased.stderr.split())
        check_problem(api.ask(123), 404, "User not found")

        stack.start("trainer", "serve")
        asked = api.send_admin("DELETE", "/users/124", ADMIN)
        assert asked.status_code == 202
        job = train_queue(stack.redis, stack.settings).fetch_job(asked.json()["job"])
        assert job is not None
        await_that(lambda: job.get_status() in (JobStatus.FAILED, JobStatus.FINISHED), "the job ends")
        result = job.latest_result()
        assert result is not None
        assert f"the user is in no list any more, and every later run leaves the user out; but generation {served.generation}: " in str(
            result.exc_string
        )
        assert f"generation {served.generation}: there is no artifact" in stack.logs()
        check_problem(api.ask(124), 404, "User not found")
        assert api.ask(125).status_code == 200
