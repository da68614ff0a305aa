"""What is no HTTP request at all is answered by the server below the application: with a problem as well."""

import uuid
from http import HTTPStatus

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from accountant.api.problems import Problem, respond


class ProblemProtocol(H11Protocol):
    """uvicorn's HTTP/1.1, whose refusal of a malformed request is problem details (RFC 9457)."""

    def send_400_response(self, msg: str) -> None:
        """Answers 400 and closes the connection."""
        request_id = uuid.uuid4().hex
        problem = Problem(HTTPStatus.BAD_REQUEST, "malformed_request", "this is not a valid HTTP/1.1 request")
        response = respond({"state": {"request_id": request_id}}, problem)
        headers = [*response.raw_headers, (b"x-request-id", request_id.encode()), (b"connection", b"close")]
        head = h11.Response(status_code=problem.status, headers=headers, reason=b"Bad Request")
        for event in (head, h11.Data(data=bytes(response.body)), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()
