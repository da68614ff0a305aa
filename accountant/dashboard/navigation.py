"""The dashboard's places, in the order of the navigation. A page adds its line here, and its router in `app`."""

from functools import cache
from typing import NamedTuple

from accountant.storage.admins import Role


class Place(NamedTuple):
    """A line of the navigation. Everybody who is signed in with the role sees it."""

    path: str
    title: str
    group: str
    role: Role = Role.VIEWER


PLACES: tuple[Place, ...] = (
    Place("/", "Home", "Now"),
    Place("/jobs", "Jobs", "Now"),
    Place("/workers", "Workers", "Now"),
    Place("/execution", "Execution", "Now"),
    Place("/reliability", "Reliability", "Now"),
    Place("/chain", "Chain", "Chain"),
    Place("/accounts", "Accounts", "Chain"),
    Place("/oaths", "Oaths", "Chain"),
    Place("/networks", "Networks", "Chain"),
    Place("/settings", "Settings", "Administration"),
    Place("/actions", "Audit log", "Administration"),
    Place("/users", "Users", "Administration", Role.OWNER),
)


@cache
def groups(role: Role) -> list[tuple[str, list[Place]]]:
    """What somebody with a role sees, by group, in order."""
    found: dict[str, list[Place]] = {}
    for place in PLACES:
        if role >= place.role:
            found.setdefault(place.group, []).append(place)
    return list(found.items())
