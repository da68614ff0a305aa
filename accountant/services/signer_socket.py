"""The signer's socket: how a publisher reaches the process that holds the key, and nobody else does.

A Unix socket in a folder that its owner alone may enter, and a token in a file beside it that both sides prove to know
(HMAC, `multiprocessing.connection`). A worker that runs strangers' code under the same user sees neither.
"""

import os
import re
import secrets
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection, Listener
from pathlib import Path

import structlog

from accountant.chain.transaction import TRANSACTION_BYTES_MAX, Transaction, decode_transaction
from accountant.oath.signing import NotSigned
from accountant.primitives.encoding import Decoder, Record, encode
from accountant.primitives.errors import InvalidEncoding
from accountant.primitives.types import ADDRESS_BYTES, Address
from accountant.services.signing import Signer, SignerDown
from accountant.tracing.spans import Kind, trace_id, within

_MESSAGE_BYTES_MAX = 2 * TRANSACTION_BYTES_MAX + 1024
_ANSWER_S = 30.0
_TOKEN_BYTES = 32
_TRACE_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)

_log = structlog.get_logger(__name__)


class _Request(Record, frozen=True):
    """A transaction to sign; none: who are you?"""

    transaction: bytes
    purse_nonce: int
    bounty: bytes = b""
    trace_id: str = ""
    """Of the trace that it is signed for, 32 hex digits; the signer logs it and sends nothing anywhere."""


class _Answer(Record, frozen=True):
    """Signed bytes or the address; or why not."""

    given: bytes
    refusal: str


_requests = Decoder(_Request, _MESSAGE_BYTES_MAX)
_answers = Decoder(_Answer, _MESSAGE_BYTES_MAX)


def make_folder(folder: Path) -> None:
    """Makes the folder of socket and token, with a new token; whoever was let in before is not any more."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.chmod(0o700)
    token = folder / "token"
    token.unlink(missing_ok=True)
    (folder / "socket").unlink(missing_ok=True)
    descriptor = os.open(token, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(secrets.token_bytes(_TOKEN_BYTES))


@contextmanager
def _address(folder: Path) -> Iterator[str]:
    """The socket's path through a descriptor, since a socket's own path has 107 bytes at the most."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{descriptor}/socket"
    finally:
        os.close(descriptor)


def _logging_for(trace: str) -> AbstractContextManager[object]:
    if _TRACE_ID.fullmatch(trace) is None:
        return nullcontext()
    return structlog.contextvars.bound_contextvars(trace_id=trace)


class SignerServer:
    """Answers one publisher after the other, a thread each, until `close`."""

    def __init__(self, folder: Path, signer: Signer) -> None:
        make_folder(folder)
        self._signer = signer
        self._signing = threading.Lock()
        self._folder = ExitStack()
        address = self._folder.enter_context(_address(folder))
        self._listener = Listener(address, family="AF_UNIX", authkey=(folder / "token").read_bytes())
        (folder / "socket").chmod(0o600)
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._accept, name="signer", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stops listening."""
        self._closed.set()
        self._listener.close()  # and removes the socket
        self._folder.close()

    def _accept(self) -> None:
        while not self._closed.is_set():
            try:
                connection = self._listener.accept()
            except (AuthenticationError, EOFError, ConnectionError) as error:
                _log.warning("signer_refused_connection", error=type(error).__name__)
                continue
            except OSError:  # closed
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: Connection) -> None:
        with connection, suppress(EOFError, OSError):
            while True:
                connection.send_bytes(encode(self._answer(connection.recv_bytes(_MESSAGE_BYTES_MAX))))

    def _answer(self, raw: bytes) -> _Answer:
        try:
            request = _requests.decode(raw)
            if not request.transaction:
                return _Answer(self._signer.address(), "")
            transaction = decode_transaction(request.transaction)
            with self._signing, _logging_for(request.trace_id):
                return _Answer(self._signer.sign(transaction, request.purse_nonce, request.bounty), "")
        except (InvalidEncoding, NotSigned) as error:
            _log.warning("signer_refused", detail=error.detail)
            return _Answer(b"", error.detail)


class SocketSigner:
    """A `Signer` that asks the signer's process. One for each thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._connection: Connection | None = None
        self._known: Address | None = None

    def address(self) -> Address:
        if self._known is None:
            given = self._ask(_Request(b"", 0)).given
            if len(given) != ADDRESS_BYTES:
                raise SignerDown("the signer's answer is no address")
            self._known = Address(given)
        return self._known

    def sign(self, unsigned: Transaction, purse_nonce: int, bounty: bytes = b"") -> bytes:
        with within("signer.sign", Kind.CLIENT, nonce=unsigned.nonce):
            answer = self._ask(_Request(encode(unsigned), purse_nonce, bounty, trace_id() or ""))
            if answer.refusal:
                raise NotSigned(answer.refusal)
        return answer.given

    def close(self) -> None:
        """Ends the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _ask(self, request: _Request) -> _Answer:
        """The answer. A lost connection is opened again once: signing the same bytes again gives the same bytes."""
        for last in (False, True):
            try:
                return _answers.decode(self._exchange(encode(request)))
            except (OSError, EOFError, AuthenticationError, InvalidEncoding) as error:
                self.close()
                self._known = None
                if last:
                    raise SignerDown(f"{self._folder}: {type(error).__name__}") from None
        raise AssertionError

    def _exchange(self, message: bytes) -> bytes:
        if self._connection is None:
            with _address(self._folder) as address:
                token = (self._folder / "token").read_bytes()
                self._connection = Client(address, family="AF_UNIX", authkey=token)
        self._connection.send_bytes(message)
        if not self._connection.poll(_ANSWER_S):
            raise TimeoutError
        return self._connection.recv_bytes(_MESSAGE_BYTES_MAX)
