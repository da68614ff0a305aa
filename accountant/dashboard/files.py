"""Static files, whose addresses hold their hash."""

from http import HTTPStatus

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

_YEAR_S = 365 * 86_400


class Files(StaticFiles):
    """Files that may be kept for ever, since another content has another address."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        answer = await super().get_response(path, scope)
        if answer.status_code == HTTPStatus.OK and scope["query_string"]:
            answer.headers["cache-control"] = f"public, max-age={_YEAR_S}, immutable"
        else:
            answer.headers["cache-control"] = "no-cache"
        return answer
