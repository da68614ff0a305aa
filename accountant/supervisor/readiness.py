"""Whether a process serves yet."""

from http import HTTPStatus

import httpx

from accountant.supervisor.process import Ready

_TIMEOUT_S = 2.0


def answers_http(url: str) -> Ready:
    """A check that `url` answers, and not with a server error. A refusal for want of a key is an answer."""

    def ready() -> bool:
        try:
            answer = httpx.get(url, timeout=_TIMEOUT_S, trust_env=False)
        except httpx.HTTPError:
            return False
        return answer.status_code < HTTPStatus.INTERNAL_SERVER_ERROR

    return ready
