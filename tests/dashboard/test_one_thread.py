"""A page and its dependencies are one function of a request: nothing runs twice, and order and refusals stay."""

import asyncio
import inspect
import threading
from typing import Annotated

import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI, Query, Request
from starlette.responses import JSONResponse, Response

from accountant.dashboard.one_thread import add_routes, together

ran: list[tuple[str, str]] = []


def note(name: str) -> None:
    """That a function ran, and in which thread."""
    ran.append((name, threading.current_thread().name))


def base(request: Request) -> str:
    note("base")
    return request.url.path


Base = Annotated[str, Depends(base)]


def who(request: Request, path: Base) -> str:
    note("who")
    if "stranger" in request.headers:
        raise PermissionError
    return f"somebody at {path}"


async def body(request: Request) -> str:
    return (await request.body()).decode()


Who = Annotated[str, Depends(who)]
router = APIRouter()


@router.get("/page/{name}")
def page(path: Base, seen: Who, name: str, before: Annotated[int | None, Query(ge=1)] = None) -> Response:
    note("page")
    return JSONResponse([path, seen, name, before])


@router.post("/page/{name}")
def form(seen: Who, name: str, sent: Annotated[str, Depends(body)]) -> Response:
    note("form")
    return JSONResponse([seen, name, sent])


def ask(method: str, path: str, headers: dict[str, str] | None = None) -> httpx.Response:
    """An answer of an application with these routes."""
    app = FastAPI()
    add_routes(app, router)

    async def send() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here") as client:
            return await client.request(method, path, headers=headers, content="x" if method == "POST" else None)

    ran.clear()
    return asyncio.run(send())


def test_a_page_takes_one_thread() -> None:
    """Each dependency runs once, before the page and in its thread, which is not that of the event loop."""
    assert ask("GET", "/page/a?before=7").json() == ["/page/a", "somebody at /page/a", "a", 7]
    assert [name for name, _ in ran] == ["base", "who", "page"]
    threads = {thread for _, thread in ran}
    assert len(threads) == 1 and threads != {threading.main_thread().name}


def test_what_a_page_takes_is_still_checked() -> None:
    """A query that does not fit is refused, and nothing runs."""
    assert ask("GET", "/page/a?before=0").status_code == 422
    assert ran == []


def test_who_may_not_is_refused_before_the_page() -> None:
    """What a dependency raises comes through, and the page does not run."""
    with pytest.raises(PermissionError):
        ask("GET", "/page/a", {"stranger": "1"})
    assert [name for name, _ in ran] == ["base", "who"]


def test_forms_are_left() -> None:
    """A form's dependencies stay its own: asynchronous ones are awaited."""
    assert ask("POST", "/page/b").json() == ["somebody at /page/b", "b", "x"]


def test_names_mean_one_thing() -> None:
    """Two parameters of one name and different kinds cannot be put together."""

    def other(name: int) -> int:
        return name

    def wrong(name: str, number: Annotated[int, Depends(other)]) -> None: ...

    with pytest.raises(AssertionError, match="means two things"):
        together(wrong)
    assert list(inspect.signature(together(page)).parameters) == ["request", "name", "before"]
