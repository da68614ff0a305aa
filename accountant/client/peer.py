"""Another accountant over REST, who may be broken or hostile: what it answers is bounded, checked, and not believed.

An answer has at most `ANSWER_BYTES_MAX` bytes, comes within `ANSWER_S` seconds however it trickles, is not inflated,
redirects nowhere, and has the form that was asked for; anything else is a `PeerInvalid`.
"""

import base64
import binascii
import time
from types import TracebackType
from typing import Annotated, Any, NamedTuple, Self, TypeVar

import httpx
import msgspec

from accountant.accounting.agreement import RangeDigests, Summary
from accountant.accounting.numbers import Numbers, unpacked
from accountant.primitives.errors import AccountantError, InvalidEncoding
from accountant.primitives.types import AMOUNT_MAX, Hash, Height, Seq

ANSWER_BYTES_MAX = 512 * 1024
"""The largest honest answer, a million random bits with 256 digests, takes less than half of it."""
ANSWER_S = 60.0

_T = TypeVar("_T")
_Number = Annotated[int, msgspec.Meta(ge=0, le=AMOUNT_MAX)]
_Hash = Annotated[str, msgspec.Meta(pattern="^0x[0-9a-f]{64}$")]


class PeerInvalid(AccountantError):
    """An accountant does not answer, or not as accountants do."""

    code = "peer_invalid"


class _Summary(msgspec.Struct, frozen=True):
    genesis_hash: _Hash
    height: _Number
    block_hash: _Hash
    transactions: _Number
    observed: _Number
    covered_height: _Number
    running_hash: _Hash | None


class _Digests(msgspec.Struct, frozen=True):
    observed: str
    digests: list[_Hash]


class _Stored(msgspec.Struct, frozen=True):
    seq: _Number
    transaction: _Hash
    digest: _Hash
    failure: Annotated[str, msgspec.Meta(pattern="^[a-z_]{1,64}$")] | None
    gas_used: Annotated[str, msgspec.Meta(pattern="^[0-9]{1,19}$")]
    writes: _Number
    credits: _Number
    debits: _Number
    logs: _Number


class _Problem(msgspec.Struct, frozen=True):
    code: str = "problem"
    detail: str = ""


class StoredOutcome(NamedTuple):
    """A stored outcome in short, as its accountant describes it."""

    seq: Seq
    transaction: str
    digest: Hash
    failure: str | None
    gas_used: int
    writes: int
    credits: int
    debits: int
    logs: int


class HttpPeer:
    """An accountant at an address. A context manager; every method raises `PeerInvalid`."""

    def __init__(self, name: str, url: str, api_key: str, answer_s: float = ANSWER_S) -> None:
        """`name`: who it is, for people."""
        self._name, self._url, self._answer_s = name, url, answer_s
        headers = {"Authorization": f"Bearer {api_key}", "Accept-Encoding": "identity"}
        self._http = httpx.Client(timeout=answer_s, trust_env=False, headers=headers)
        self.requests = 0
        """Requests made so far."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    @property
    def name(self) -> str:
        """Who it is."""
        return self._name

    def summary(self, height: Height | None) -> Summary:
        """Where it stands at a height; None for its head."""
        query = "" if height is None else f"?height={height}"
        told = self._ask("GET", f"/v1/agreement{query}", None, _Summary)
        return Summary(
            _hash(told.genesis_hash),
            Height(told.height),
            _hash(told.block_hash),
            told.transactions,
            told.observed,
            Height(told.covered_height),
            None if told.running_hash is None else _hash(told.running_hash),
        )

    def digests(self, first: Seq, span: int, parts: int, among: Numbers | None) -> RangeDigests:
        """Digests of a range."""
        packed = None if among is None else base64.b64encode(among.packed()).decode()
        body = {"first": first, "span": span, "parts": parts, "among": packed}
        told = self._ask("POST", "/v1/agreement/digests", body, _Digests)
        if len(told.digests) != parts:
            raise self._invalid(f"{len(told.digests)} digests where {parts} were asked for")
        try:
            observed = unpacked(base64.b64decode(told.observed, validate=True), first, span)
        except (binascii.Error, ValueError, InvalidEncoding) as error:
            raise self._invalid(f"its numbers are none ({str(error)[:100]})") from None
        return RangeDigests(observed, tuple(_hash(digest) for digest in told.digests))

    def stored(self, seq: Seq) -> StoredOutcome:
        """A stored outcome in short."""
        told = self._ask("GET", f"/v1/agreement/outcomes/{seq}", None, _Stored)
        if told.seq != seq:
            raise self._invalid(f"asked for transaction {seq} it speaks of {told.seq}")
        fields = msgspec.structs.asdict(told)
        return StoredOutcome(**{**fields, "digest": _hash(told.digest), "gas_used": int(told.gas_used)})

    def _ask(self, method: str, path: str, body: dict[str, Any] | None, kind: type[_T]) -> _T:
        self.requests += 1
        try:
            with self._http.stream(method, self._url.rstrip("/") + path, json=body) as response:
                raw = self._read(response)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise self._invalid(f"it does not answer ({type(error).__name__})") from None
        try:
            if response.status_code == httpx.codes.OK:
                return msgspec.json.decode(raw, type=kind)
            problem = msgspec.json.decode(raw, type=_Problem)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            raise self._invalid(f"its answer to {path.partition('?')[0]} is not an accountant's") from None
        said = "".join(c if c.isprintable() else "?" for c in f"{problem.code}: {problem.detail}"[:200])
        raise self._invalid(f"{response.status_code} {said}")

    def _read(self, response: httpx.Response) -> bytes:
        """The body as it comes. A request's timeout is for each piece of it: many small ones could last for ever."""
        if response.headers.get("content-encoding", "identity") != "identity":
            raise self._invalid("it compresses, which was not asked for")
        ends_at = time.monotonic() + self._answer_s
        raw = bytearray()
        for piece in response.iter_raw():
            raw += piece
            if len(raw) > ANSWER_BYTES_MAX:
                raise self._invalid(f"its answer has more than {ANSWER_BYTES_MAX} bytes")
            if time.monotonic() > ends_at:
                raise self._invalid(f"its answer is not there after {self._answer_s:.0f} s")
        return bytes(raw)

    def _invalid(self, detail: str) -> PeerInvalid:
        return PeerInvalid(f"{self._name} ({self._url}): {detail}")


def _hash(text: str) -> Hash:
    return Hash(bytes.fromhex(text[2:]))
