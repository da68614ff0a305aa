"""Forms: small bodies, read once, and refused without the session's CSRF token."""

import secrets
from typing import Annotated
from urllib.parse import parse_qsl

from fastapi import Depends, Request

from accountant.primitives.errors import AccountantError
from accountant.storage.admins import Session

BODY_BYTES_MOST = 64 * 1024
FIELDS_MOST = 100
CSRF_FIELD = "csrf"
CSRF_HEADER = "x-csrf-token"


class InvalidForm(AccountantError):
    """A body that is no form, or is too large."""

    code = "invalid_form"


class ForgedForm(AccountantError):
    """A form without its token: another site sent it, or the session has changed since the page was made."""

    code = "forged_form"

    def __init__(self) -> None:
        super().__init__("The form's token does not fit your session. Go back, load the page again, and repeat.")


class Form(dict[str, str]):
    """Fields by name; the last of equals counts. A missing one is empty."""

    def __missing__(self, _name: str) -> str:
        return ""


async def read_form(request: Request) -> Form:
    """The fields of a form that a browser sent. Raises `InvalidForm`."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_BYTES_MOST:
            raise InvalidForm("The form is too large.")
    if body and kind != "application/x-www-form-urlencoded":
        raise InvalidForm("The body is no form.")
    try:
        fields = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=FIELDS_MOST, errors="strict")
    except ValueError:
        raise InvalidForm("The form cannot be read.") from None
    if any("\x00" in text for pair in fields for text in pair):
        raise InvalidForm("The form holds a character that no field takes.")
    return Form(fields)


Fields = Annotated[Form, Depends(read_form)]


def check_csrf(request: Request, form: Form, session: Session) -> None:
    """Raises `ForgedForm` unless the form, or htmx's header, carries the session's token."""
    given = form[CSRF_FIELD] or request.headers.get(CSRF_HEADER, "")
    if not secrets.compare_digest(given.encode(), session.csrf.encode()):
        raise ForgedForm
