"""What the views of all routes share: the check of keys, and parameters of the query that change the answer and not what is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from flask import Response, request

from api.http.answer_models import ARM, GENERATION, IDS
from api.http.problems import RequestError
from api.http.requests import SHARED
from api.http.route import ROUTE, Route
from api.http.text_ids import with_text_ids
from api.lists.pinning import pinned_to, pointer_of
from api.lists.store import Store
from contract.formats.ids import is_generation_id


def view_of(route: Route, check: Callable[[], None] | None, store: Store) -> Callable[..., Response]:
    """The route's view, after its check, if it has one. Metrics learn from the environ which route it was."""

    def view(**arguments: str) -> Response:
        request.environ[ROUTE] = route.path
        if check is not None:
            check()
        shared = _shared(route) if request.query_string and route.shared_parameters else {}
        if ARM in shared:
            with _in_arm(store, shared[ARM]):
                answer = route.view(**arguments)
        elif generation := shared.get(GENERATION):
            with _pinned(store, generation):
                answer = route.view(**arguments)
        else:
            answer = route.view(**arguments)
        if route.deprecated is not None:
            answer.headers.update(route.deprecated.headers(request.script_root))
        if IDS in shared:
            answer.set_data(with_text_ids(answer.get_data()))
        return answer

    return view


def _shared(route: Route) -> dict[str, str]:
    """The parameters of the current request that all such routes take. Raises RequestError for a value that can't be one."""
    found: dict[str, str] = {}
    for name in route.shared_parameters:
        if values := request.args.getlist(name):
            if len(values) > 1:
                raise RequestError(f'"{name}" stands in the query twice.')
            found[name] = values[0]
    if found.get(IDS, "text") != "text":
        raise RequestError("ids: must be text.")
    if not is_generation_id(found.get(GENERATION, "g")):
        raise RequestError("generation: must be the id of a generation, as answers have it.")
    if ARM in found and GENERATION in found:
        raise RequestError("arm, generation: name one of them, for an arm has a generation.")
    request.environ[SHARED] = found.keys()
    return found


@contextmanager
def _in_arm(store: Store, arm: str) -> Iterator[None]:
    arms = store.pointers.current().arms
    pointer = None if arms is None else arms.named(arm)
    if pointer is None:
        names = "no experiment runs" if arms is None else f"the arms of the experiment are {', '.join(arms.experiment.names)}"
        raise RequestError(f"arm: {names}.")
    with pinned_to(store, pointer):
        yield


@contextmanager
def _pinned(store: Store, generation: str) -> Iterator[None]:
    pointer = pointer_of(store, generation)
    if pointer is None:
        raise _gone()
    try:
        with pinned_to(store, pointer):
            yield
    finally:
        if pointer_of(store, generation) is None:  # meanwhile: what was found missing may only be gone
            raise _gone()


def _gone() -> RequestError:
    detail = "The lists of this generation are gone: begin again at the first page, without `generation`."
    return RequestError(detail, 410, "Generation gone")
