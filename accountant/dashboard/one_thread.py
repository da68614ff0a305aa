"""A page, and what it needs to know before, in one thread.

FastAPI gives each function that is not asynchronous to a thread: the route, and every dependency before it. Who looks,
what may be read, the page itself: each is a way there and back, which takes longer than a page's SQL where the machine
is busy. Here a route and the synchronous dependencies that it names become one function.
"""

import inspect
from collections.abc import Callable
from typing import Annotated, Any, get_args, get_origin

from fastapi import APIRouter, FastAPI, params
from fastapi.routing import APIRoute

Call = Callable[..., Any]
_Given = dict[str, Any]
_Found = dict[Call, Any]


def add_routes(app: FastAPI, router: APIRouter) -> None:
    """Adds the routes to the application's own; those that only read take one thread each.

    Forms are left as they are: whoever may not send one is refused before it is read.
    """
    for route in router.routes:
        assert isinstance(route, APIRoute)
        gathered = route.methods == {"GET"} and _is_synchronous(route.endpoint)
        endpoint = together(route.endpoint) if gathered else route.endpoint
        app.add_api_route(route.path, endpoint, methods=list(route.methods or ()))


def together(endpoint: Call) -> Call:
    """One function of all that `endpoint` and its dependencies take from a request. Each dependency runs once."""
    parameters: dict[str, inspect.Parameter] = {}
    run = _gather(endpoint, parameters)

    def page(**given: Any) -> Any:
        return run(given, {})

    found = inspect.signature(endpoint, eval_str=True).return_annotation
    page.__name__, page.__doc__ = endpoint.__name__, endpoint.__doc__
    page.__dict__["__signature__"] = inspect.Signature(list(parameters.values()), return_annotation=found)
    return page


def _gather(call: Call, parameters: dict[str, inspect.Parameter]) -> Callable[[_Given, _Found], Any]:
    needs: dict[str, Callable[[_Given, _Found], Any] | None] = {}
    for name, parameter in inspect.signature(call, eval_str=True).parameters.items():
        dependency = _dependency(parameter.annotation)
        needs[name] = None if dependency is None else _gather(dependency, parameters)
        if dependency is None:
            own = parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
            assert parameters.setdefault(name, own) == own, f"{name} means two things"

    def run(given: _Given, found: _Found) -> Any:
        if call not in found:
            taken = {name: given[name] if need is None else need(given, found) for name, need in needs.items()}
            found[call] = call(**taken)
        return found[call]

    return run


def _dependency(annotation: Any) -> Call | None:
    """The synchronous function that a parameter's value comes from; others are left to FastAPI."""
    if get_origin(annotation) is Annotated:
        for one in get_args(annotation)[1:]:
            if isinstance(one, params.Depends) and one.dependency is not None and _is_synchronous(one.dependency):
                return one.dependency
    return None


def _is_synchronous(call: Call) -> bool:
    return inspect.isfunction(call) and not (inspect.iscoroutinefunction(call) or inspect.isgeneratorfunction(call))
