"""Bad input: the right 4xx as problem details, nothing stored, nothing executed."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import httpx
import pytest

from accountant.chain.transaction import TRANSACTION_BYTES_MAX
from accountant.primitives.addresses import show
from accountant.primitives.cid import cid_of, show_cid
from tests.support.chains import ALICE, BOB, contract_id, transfer
from tests.support.service import Service, running_service, service_genesis, small_chain

CHAIN = small_chain()
HEAD = "0x" + CHAIN.blocks[-1].hash.hex()
UNKNOWN = "0x" + "ab" * 32
SETTLED, UNSETTLED, REFUND = ("0x" + h.hex() for h in (CHAIN.settled, CHAIN.unsettled, CHAIN.refund))
ACCOUNT = show(BOB.address)
TELLER = "0x" + contract_id("teller").hex()
WRONG_CHECKSUM = ACCOUNT[:2] + ACCOUNT[2:].swapcase()

PAY = "/v1/payments/verifications"
BOUND = "/v1/balances/lower-bound"
VIEW = "/v1/views"
QUERY = "/v1/queries"
QUOTE = "/v1/quotes"
THETA = "/v1/payments/theta"
INCOMES = f"/v1/accounts/{ACCOUNT}/incomes"
COST = "/v1/accounting-cost"
SUBMIT = "/v1/transactions"
BLOBS = "/v1/blobs"
UPLOADS = "/v1/uploads"
CID = show_cid(cid_of(b"nobody sent this"))
OCTETS = {"content-type": "application/octet-stream"}
TUS = {"tus-resumable": "1.0.0"}
PATCH = {**TUS, "content-type": "application/offset+octet-stream", "upload-offset": "0"}
JSON = {"content-type": "application/json"}


@pytest.fixture(scope="module")
def service(module_database_url: str, servers: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with running_service(module_database_url, servers.redis_url, tmp_path_factory.mktemp("node")) as running:
        yield running


class Bad(NamedTuple):
    """A request that must be refused, and how."""

    name: str
    status: int
    code: str
    path: str
    json: Any = None
    content: bytes | None = None
    headers: Mapping[str, str] = MappingProxyType({})
    method: str = "POST"


def _bound(**changes: Any) -> dict[str, Any]:
    return {"account": ACCOUNT, "position": "head", **changes}


def _view(**changes: Any) -> dict[str, Any]:
    return {"contract": TELLER, "function": "rate", "position": "head", **changes}


def _query(kind: object, **fields: Any) -> dict[str, Any]:
    return {"kind": kind, **fields}


def _balance(**changes: Any) -> dict[str, Any]:
    return {"kind": "balance_at_least", "account": ACCOUNT, "amount": "1", "position": "head", **changes}


def _storage(**changes: Any) -> dict[str, Any]:
    return {"kind": "storage", "contract": TELLER, "slot": "0x72", "position": "head", **changes}


def _pick(*arguments: object) -> dict[str, Any]:
    return _view(function="pick", arguments=list(arguments))


def _at(index: object) -> dict[str, object]:
    return {"previous_hash": HEAD, "index": index}


def _budget(number: bytes) -> bytes:
    return b'{"transaction": "%s", "gas_budget": %s}' % (SETTLED.encode(), number)


BAD = [
    Bad("no body", 422, "invalid_request", PAY, headers=JSON),
    Bad("malformed JSON", 400, "malformed_json", PAY, content=b'{"transaction": ', headers=JSON),
    Bad("not UTF-8", 400, "bad_request", PAY, content=b'{"transaction": "\xff"}', headers=JSON),
    Bad("deep nesting", 400, "bad_request", PAY, content=b"[" * 100_000, headers=JSON),
    Bad("endless digits", 400, "bad_request", PAY, content=b'{"gas_budget": ' + b"9" * 10_000 + b"}", headers=JSON),
    Bad("a list for an object", 422, "invalid_request", PAY, json=[]),
    Bad("no transaction", 422, "invalid_request", PAY, json={}),
    Bad("a number for a hash", 422, "invalid_request", PAY, json={"transaction": 7}),
    Bad("a short hash", 422, "invalid_request", PAY, json={"transaction": UNKNOWN[:-2]}),
    Bad("a hash and a line end", 422, "invalid_request", PAY, json={"transaction": UNKNOWN + "\n"}),
    Bad("a hash without 0x", 422, "invalid_request", PAY, json={"transaction": UNKNOWN[2:]}),
    Bad("an unknown field", 422, "invalid_request", PAY, json={"transaction": SETTLED, "thета": []}),
    Bad("an unknown transaction", 404, "unknown_transaction", PAY, json={"transaction": UNKNOWN}),
    Bad("a negative budget", 422, "invalid_request", PAY, json={"transaction": SETTLED, "gas_budget": -1}),
    Bad("a huge budget", 422, "invalid_request", PAY, json={"transaction": SETTLED, "gas_budget": 2**63}),
    Bad("a huge budget as text", 422, "invalid_request", PAY, json={"transaction": SETTLED, "gas_budget": "9" * 19}),
    Bad("a budget with a plus", 422, "invalid_request", PAY, json={"transaction": SETTLED, "gas_budget": "+5"}),
    Bad("a fraction of gas", 422, "invalid_request", PAY, json={"transaction": SETTLED, "gas_budget": 1.0}),
    Bad("true for gas", 422, "invalid_request", PAY, json={"transaction": SETTLED, "gas_budget": True}),
    Bad("an exponent", 422, "invalid_request", PAY, content=_budget(b"1e3"), headers=JSON),
    Bad("infinite gas", 422, "invalid_request", PAY, content=_budget(b"1e400"), headers=JSON),
    Bad("less than nothing", 422, "invalid_request", PAY, content=_budget(b"-0.0"), headers=JSON),
    Bad("other digits", 422, "invalid_request", PAY, json={"transaction": SETTLED, "gas_budget": "\u0661"}),
    Bad("half a surrogate", 422, "invalid_request", PAY, content=b'{"transaction": "\\ud800"}', headers=JSON),
    Bad("text after the object", 400, "malformed_json", PAY, content=_budget(b"1") + b" x", headers=JSON),
    Bad("NaN", 422, "invalid_request", PAY, content=b'{"transaction": NaN}', headers=JSON),
    Bad("a word for swear", 422, "invalid_request", PAY, json={"transaction": SETTLED, "swear": "yes"}),
    Bad("text for Θ", 422, "invalid_request", PAY, json={"transaction": SETTLED, "theta": REFUND}),
    Bad("an unknown income", 404, "unknown_income", PAY, json={"transaction": SETTLED, "theta": [UNKNOWN]}),
    Bad("a duplicate", 422, "duplicate_income", PAY, json={"transaction": SETTLED, "theta": [REFUND, REFUND]}),
    Bad("somebody else's", 422, "foreign_income", PAY, json={"transaction": UNSETTLED, "theta": [REFUND]}),
    Bad("a later income", 422, "income_not_before", PAY, json={"transaction": SETTLED, "theta": [UNSETTLED]}),
    Bad("itself", 422, "income_not_before", PAY, json={"transaction": SETTLED, "theta": [SETTLED]}),
    Bad("too many", 422, "invalid_request", PAY, json={"transaction": SETTLED, "theta": [REFUND] * 1_001}),
    Bad(
        "a wrong media type", 415, "unsupported_media_type", PAY, content=b"{}", headers={"content-type": "text/plain"}
    ),
    Bad("no media type", 415, "unsupported_media_type", PAY, content=b"{}"),
    Bad("an empty key", 400, "invalid_idempotency_key", PAY, {"transaction": SETTLED}, headers={"Idempotency-Key": ""}),
    Bad(
        "a long key",
        400,
        "invalid_idempotency_key",
        PAY,
        {"transaction": SETTLED},
        headers={"Idempotency-Key": "k" * 256},
    ),
    Bad("no account", 422, "invalid_request", BOUND, json={"position": "head"}),
    Bad("no position", 422, "invalid_request", BOUND, json={"account": ACCOUNT}),
    Bad("a wrong checksum", 422, "invalid_request", BOUND, json=_bound(account=WRONG_CHECKSUM)),
    Bad("another word for head", 422, "invalid_request", BOUND, json=_bound(position="latest")),
    Bad("on no chain", 404, "unknown_position", BOUND, json=_bound(position={"previous_hash": UNKNOWN, "index": 0})),
    Bad("in the future", 404, "unknown_position", BOUND, json=_bound(position={"previous_hash": HEAD, "index": 1})),
    Bad("far away", 422, "invalid_request", BOUND, json=_bound(position={"previous_hash": HEAD, "index": 2**24})),
    Bad("before", 422, "invalid_request", BOUND, json=_bound(position={"previous_hash": HEAD, "index": -1})),
    Bad("a fraction of an index", 422, "invalid_request", BOUND, json=_bound(position=_at(0.0))),
    Bad("text for an index", 422, "invalid_request", BOUND, json=_bound(position=_at("0"))),
    Bad("a hash for a position", 422, "invalid_request", BOUND, json=_bound(position=HEAD)),
    Bad("null for a position", 422, "invalid_request", BOUND, json=_bound(position=None)),
    Bad("no index", 422, "invalid_request", BOUND, json=_bound(position={"previous_hash": HEAD})),
    Bad("a negative target", 422, "invalid_request", BOUND, json=_bound(target=-5)),
    Bad("a huge target", 422, "invalid_request", BOUND, json=_bound(target=str(2**63))),
    Bad("a foreign Θ", 422, "foreign_income", BOUND, json=_bound(theta=[REFUND])),
    Bad("no function", 422, "invalid_request", VIEW, json={"contract": TELLER, "position": "head"}),
    Bad("a user for a contract", 422, "invalid_request", VIEW, json=_view(contract=ACCOUNT)),
    Bad("a contract of no chain", 404, "unknown_contract", VIEW, json=_view(contract=UNKNOWN)),
    Bad("a function of no contract", 404, "unknown_function", VIEW, json=_view(function="gone")),
    Bad("a function's long name", 422, "invalid_request", VIEW, json=_view(function="f" * 65)),
    Bad("a view on no chain", 404, "unknown_position", VIEW, json=_view(position=_at(1))),
    Bad("an argument too many", 422, "wrong_arguments", VIEW, json=_view(arguments=[1])),
    Bad("an argument too few", 422, "wrong_arguments", VIEW, json=_view(function="set_rate")),
    Bad("a fraction for an argument", 422, "invalid_request", VIEW, json=_view(function="set_rate", arguments=[1.0])),
    Bad("true for an integer", 422, "invalid_argument", VIEW, json=_view(function="set_rate", arguments=[True])),
    Bad("beyond 64 bits", 422, "invalid_argument", VIEW, json=_view(function="set_rate", arguments=[2**63])),
    Bad("an object of arguments", 422, "invalid_request", VIEW, json=_view(function="set_rate", arguments={"0": 1})),
    Bad("too many arguments", 422, "invalid_request", VIEW, json=_view(arguments=[1] * 33)),
    Bad("a wrong account", 422, "invalid_argument", VIEW, json=_pick(True, WRONG_CHECKSUM, "0x")),
    Bad("bytes without 0x", 422, "invalid_argument", VIEW, json=_pick(True, ACCOUNT, "00")),
    Bad("a long argument", 422, "view_too_large", VIEW, json=_pick(True, ACCOUNT, "0x" + "00" * 1_000)),
    Bad("a huge gas limit", 422, "invalid_gas_limit", VIEW, json=_view(gas_limit=10**9 + 1)),
    Bad("a negative gas limit", 422, "invalid_request", VIEW, json=_view(gas_limit=-1)),
    Bad("a query of no kind", 422, "invalid_request", QUERY, json={"account": ACCOUNT, "position": "head"}),
    Bad("a query of another kind", 422, "invalid_request", QUERY, json=_query("balance", account=ACCOUNT)),
    Bad("a number for a kind", 422, "invalid_request", QUERY, json=_query(3)),
    Bad("a list for a query", 422, "invalid_request", QUERY, json=[_balance()]),
    Bad("a field of another kind", 422, "invalid_request", QUERY, json=_balance(transaction=SETTLED)),
    Bad("no amount", 422, "invalid_request", QUERY, json=_query("balance_at_least", account=ACCOUNT, position="head")),
    Bad("an amount below zero", 422, "invalid_request", QUERY, json=_balance(amount=-1)),
    Bad("an amount past all money", 422, "invalid_request", QUERY, json=_balance(amount=2**63)),
    Bad("a query with a wrong checksum", 422, "invalid_request", QUERY, json=_balance(account=WRONG_CHECKSUM)),
    Bad("a query on no chain", 404, "unknown_position", QUERY, json=_balance(position=_at(1))),
    Bad("a query's budget below zero", 422, "invalid_request", QUERY, json=_balance(gas_budget=-1)),
    Bad("a word for a query's swear", 422, "invalid_request", QUERY, json=_balance(swear="yes")),
    Bad(
        "an unknown transaction's success",
        404,
        "unknown_transaction",
        QUERY,
        json=_query("transaction_succeeded", transaction=UNKNOWN),
    ),
    Bad(
        "an unknown transaction's income",
        404,
        "unknown_transaction",
        QUERY,
        json=_query("income", transaction=UNKNOWN, account=ACCOUNT),
    ),
    Bad("a slot without 0x", 422, "invalid_request", QUERY, json=_storage(slot="72")),
    Bad("half a byte of a slot", 422, "invalid_request", QUERY, json=_storage(slot="0x7")),
    Bad("a long slot", 422, "invalid_request", QUERY, json=_storage(slot="0x" + "00" * 100_000)),
    Bad("a slot of no contract", 404, "unknown_contract", QUERY, json=_storage(contract=UNKNOWN)),
    Bad("a slot of a user", 422, "invalid_request", QUERY, json=_storage(contract=ACCOUNT)),
    Bad("a query of no function", 404, "unknown_function", QUERY, json=_view(kind="view", function="gone")),
    Bad("a query with arguments too many", 422, "wrong_arguments", QUERY, json=_view(kind="view", arguments=[1])),
    Bad("a query with a huge gas limit", 422, "invalid_gas_limit", QUERY, json=_view(kind="view", gas_limit=10**10)),
    Bad(
        "a bound to be sworn",
        422,
        "not_swearable",
        QUERY,
        json=_query("lower_bound", account=ACCOUNT, position="head", swear=True),
    ),
    Bad(
        "an exact balance to be sworn",
        422,
        "not_swearable",
        QUERY,
        json=_query("exact_balance", account=ACCOUNT, position="head", swear=True),
    ),
    Bad("a quote of no kind", 422, "invalid_request", QUOTE, json={"transaction": SETTLED}),
    Bad("a quote of a list", 422, "invalid_request", QUOTE, json=[]),
    Bad("a quote as text", 415, "unsupported_media_type", QUOTE, content=b"{}", headers={"content-type": "text/plain"}),
    Bad("malformed JSON for a quote", 400, "malformed_json", QUOTE, content=b"{", headers=JSON),
    Bad("a quote with Θ of no payment", 422, "invalid_request", QUOTE, json=_balance(theta=[REFUND])),
    Bad("a quote on no chain", 404, "unknown_position", QUOTE, json=_balance(position=_at(1))),
    Bad("a quote of a slot of no contract", 404, "unknown_contract", QUOTE, json=_storage(contract=UNKNOWN)),
    Bad("a quote's budget below zero", 422, "invalid_request", QUOTE, json=_balance(gas_budget=-1)),
    Bad(
        "a quote of an unknown payment",
        404,
        "unknown_transaction",
        QUOTE,
        json=_query("payment", transaction=UNKNOWN),
    ),
    Bad(
        "a quote of a payment with a foreign Θ",
        422,
        "foreign_income",
        QUOTE,
        json=_query("payment", transaction=UNSETTLED, theta=[REFUND]),
    ),
    Bad("theta of nothing", 422, "invalid_request", THETA, {}),
    Bad(
        "theta of two things", 422, "invalid_request", THETA, {"kind": "payment", "transaction": UNKNOWN, "amount": "1"}
    ),
    Bad("theta of an unknown payment", 404, "unknown_transaction", THETA, {"kind": "payment", "transaction": UNKNOWN}),
    Bad(
        "theta of a negative amount",
        422,
        "invalid_request",
        THETA,
        {"kind": "amount", "account": ACCOUNT, "amount": "-1"},
    ),
    Bad("incomes of nobody", 422, "invalid_request", "/v1/accounts/0x12/incomes", method="GET"),
    Bad("incomes of a wrong checksum", 422, "invalid_request", f"/v1/accounts/{WRONG_CHECKSUM}/incomes", method="GET"),
    Bad("incomes of a long name", 422, "invalid_request", "/v1/accounts/" + "a" * 30_000 + "/incomes", method="GET"),
    Bad("incomes of NUL", 422, "invalid_request", "/v1/accounts/%00/incomes", method="GET"),
    Bad("no incomes a page", 422, "invalid_request", INCOMES + "?limit=0", method="GET"),
    Bad("too many incomes a page", 422, "invalid_request", INCOMES + "?limit=101", method="GET"),
    Bad("a least amount below zero", 422, "invalid_request", INCOMES + "?min_amount=-1", method="GET"),
    Bad("a huge least amount", 422, "invalid_request", INCOMES + f"?min_amount={2**63}", method="GET"),
    Bad("an endless amount", 422, "invalid_request", INCOMES + "?min_amount=" + "9" * 5_000, method="GET"),
    Bad("incomes of another kind", 422, "invalid_request", INCOMES + "?kind=salary", method="GET"),
    Bad("a number for known", 422, "invalid_request", INCOMES + "?known=1", method="GET"),
    Bad("a fraction for a gas price", 422, "invalid_request", INCOMES + "?gas_price=1.5", method="GET"),
    Bad("a height with a plus", 422, "invalid_request", INCOMES + "?from_height=%2B1", method="GET"),
    Bad("heights the wrong way", 422, "invalid_request", INCOMES + "?from_height=2&to_height=1", method="GET"),
    Bad("a forged cursor of incomes", 422, "invalid_request", INCOMES + "?cursor=AAAAAAAAAAE", method="GET"),
    Bad("an empty cursor of incomes", 422, "invalid_request", INCOMES + "?cursor=", method="GET"),
    Bad("an unknown parameter of incomes", 422, "invalid_request", INCOMES + "?page=1", method="GET"),
    Bad("a cost above the head", 404, "unknown_block", COST + "?height=999999", method="GET"),
    Bad("costs above the head", 404, "unknown_block", COST + "?to_height=999999", method="GET"),
    Bad("costs the wrong way", 422, "invalid_request", COST + "?from_height=2&to_height=1", method="GET"),
    Bad("a cost at a word", 422, "invalid_request", COST + "?height=head", method="GET"),
    Bad("a cost below zero", 422, "invalid_request", COST + "?height=-1", method="GET"),
    Bad("no points", 422, "invalid_request", COST + "?points=0", method="GET"),
    Bad("too many points", 422, "invalid_request", COST + "?points=101", method="GET"),
    Bad("a height and a range", 422, "invalid_request", COST + "?height=1&points=2", method="GET"),
    Bad("an unknown parameter of costs", 422, "invalid_request", COST + "?step=1", method="GET"),
    Bad("an oversized body", 413, "request_entity_too_large", PAY, content=b" " * 1_200_000, headers=JSON),
    Bad("octets that are none", 422, "invalid_encoding", SUBMIT, content=b"\x00\x01", headers=OCTETS),
    Bad(
        "an oversized transaction",
        413,
        "request_entity_too_large",
        SUBMIT,
        content=bytes(TRANSACTION_BYTES_MAX + 1),
        headers=OCTETS,
    ),
    Bad("hex that is none", 422, "invalid_request", SUBMIT, json={"transaction": "0xzz"}),
    Bad("half a byte", 422, "invalid_request", SUBMIT, json={"transaction": "0x123"}),
    Bad("malformed submission", 400, "malformed_json", SUBMIT, content=b"{", headers=JSON),
    Bad("an unknown field besides", 422, "invalid_request", SUBMIT, json={"transaction": "0x00", "to": "x"}),
    Bad(
        "a form",
        415,
        "unsupported_media_type",
        SUBMIT,
        content=b"a=b",
        headers={"content-type": "application/x-www-form-urlencoded"},
    ),
    Bad("a wrong nonce", 409, "nonce_gap", SUBMIT, content=transfer(ALICE, 10**6, BOB.address, zero=1), headers=OCTETS),
    Bad("an unknown job", 404, "unknown_job", "/v1/jobs/job_0", method="GET"),
    Bad("cancelling nothing", 404, "unknown_job", "/v1/jobs/job_0/cancel"),
    Bad("following nothing", 404, "unknown_job", "/v1/jobs/job_0/events", method="GET"),
    Bad("a negative limit", 422, "invalid_request", "/v1/jobs?limit=-1", method="GET"),
    Bad("a fraction for a limit", 422, "invalid_request", "/v1/jobs?limit=1.0", method="GET"),
    Bad("a limit with a plus", 422, "invalid_request", "/v1/jobs?limit=%2B1", method="GET"),
    Bad("a limit in other digits", 422, "invalid_request", "/v1/jobs?limit=%D9%A1", method="GET"),
    Bad("NUL in a job", 404, "unknown_job", "/v1/jobs/job_%00", method="GET"),
    Bad("NUL in a job to cancel", 404, "unknown_job", "/v1/jobs/%00/cancel"),
    Bad("NUL in a job to follow", 404, "unknown_job", "/v1/jobs/%00/events", method="GET"),
    Bad("NUL in an oath", 404, "unknown_oath", "/v1/oaths/oath_%00", method="GET"),
    Bad("blanks in an oath's hash", 404, "unknown_oath", "/v1/oaths/0x" + "ab%20" * 32, method="GET"),
    Bad("no bounty", 404, "not_a_bounty", f"/v1/bounties/{UNKNOWN}", method="GET"),
    Bad("a contract that is no bounty", 404, "not_a_bounty", f"/v1/bounties/{TELLER}", method="GET"),
    Bad("a word for a bounty", 422, "invalid_request", "/v1/bounties/best", method="GET"),
    Bad("a user for a bounty", 422, "invalid_request", f"/v1/bounties/{ACCOUNT}", method="GET"),
    Bad("NUL in a bounty", 422, "invalid_request", "/v1/bounties/0x%00", method="GET"),
    Bad("bounties of no state", 422, "invalid_request", "/v1/bounties?state=rich", method="GET"),
    Bad("a forged cursor of bounties", 422, "invalid_request", "/v1/bounties?cursor=AAAAAAAAAAE", method="GET"),
    Bad("too many bounties", 422, "invalid_request", "/v1/bounties?limit=101", method="GET"),
    Bad("an unknown parameter of bounties", 422, "invalid_request", "/v1/bounties?page=1", method="GET"),
    Bad("no UTF-8 in a job", 404, "unknown_job", "/v1/jobs/%ff%ed%a0%80", method="GET"),
    Bad("a long job", 404, "unknown_job", "/v1/jobs/" + "a" * 30_000, method="GET"),
    Bad("a forged cursor", 422, "invalid_request", "/v1/jobs?cursor=AAAAAAAAAAE", method="GET"),
    Bad("an unknown parameter", 422, "invalid_request", "/v1/jobs?page=1", method="GET"),
    Bad("an unknown hash", 404, "unknown_transaction", f"/v1/transactions/{UNKNOWN}", method="GET"),
    Bad("a word for a hash", 422, "invalid_request", "/v1/transactions/pending", method="GET"),
    Bad("a block above the head", 404, "unknown_block", "/v1/blocks/999999", method="GET"),
    Bad("a height of many digits", 422, "invalid_request", "/v1/blocks/" + "9" * 40, method="GET"),
    Bad("a block on no chain", 404, "unknown_block", f"/v1/blocks/{UNKNOWN}", method="GET"),
    Bad("zeros before a height", 422, "invalid_request", "/v1/blocks/00", method="GET"),
    Bad("a height in other digits", 422, "invalid_request", "/v1/blocks/%D9%A1", method="GET"),
    Bad("a negative height", 422, "invalid_request", "/v1/blocks/-1", method="GET"),
    Bad("a blob as JSON", 415, "unsupported_media_type", BLOBS, json={}),
    Bad("a blob of no type", 415, "unsupported_media_type", BLOBS, content=b"x"),
    Bad("a blob of a word for a CID", 422, "invalid_request", BLOBS + "?cid=../../x", content=b"x", headers=OCTETS),
    Bad("a blob of another CID", 422, "cid_mismatch", f"{BLOBS}?cid={CID}", content=b"x", headers=OCTETS),
    Bad("a blob with a misspelt parameter", 422, "invalid_request", BLOBS + "?cids=x", content=b"x", headers=OCTETS),
    Bad("a blob that is too large", 413, "request_entity_too_large", BLOBS, content=bytes(2**22 + 1), headers=OCTETS),
    Bad("an unknown blob", 404, "unknown_blob", f"{BLOBS}/{CID}", method="GET"),
    Bad(
        "a range of an unknown blob", 404, "unknown_blob", f"{BLOBS}/{CID}", headers={"range": "bytes=0-"}, method="GET"
    ),
    Bad("a path for a blob", 404, "not_found", BLOBS + "/..%2f..%2fetc", method="GET"),
    Bad("dots for a blob", 422, "invalid_request", BLOBS + "/%2e%2e", method="GET"),
    Bad("NUL in a blob", 422, "invalid_request", BLOBS + "/%00" + CID, method="GET"),
    Bad("a blob in capitals", 422, "invalid_request", f"{BLOBS}/{CID.upper()}", method="GET"),
    Bad("a long blob", 422, "invalid_request", BLOBS + "/" + "b" * 30_000, method="GET"),
    Bad("too many blobs a page", 422, "invalid_request", BLOBS + "?limit=101", method="GET"),
    Bad("a forged cursor of blobs", 422, "invalid_request", BLOBS + "?cursor=AAAAAAAAAAE", method="GET"),
    Bad("an upload of no length", 422, "invalid_request", UPLOADS, headers=TUS),
    Bad("an upload of a word", 422, "invalid_request", UPLOADS, headers={**TUS, "upload-length": "all"}),
    Bad("an upload below zero", 422, "invalid_request", UPLOADS, headers={**TUS, "upload-length": "-1"}),
    Bad("an endless upload", 422, "invalid_request", UPLOADS, headers={**TUS, "upload-length": "9" * 5_000}),
    Bad("a huge upload", 413, "blob_too_large", UPLOADS, headers={**TUS, "upload-length": str(2**40)}),
    Bad("an upload of no version", 412, "unsupported_tus_version", UPLOADS, headers={"upload-length": "1"}),
    Bad(
        "an upload of a CID in no base64",
        422,
        "invalid_request",
        UPLOADS,
        headers={**TUS, "upload-length": "1", "upload-metadata": "cid ***"},
    ),
    Bad("an unknown upload", 404, "unknown_upload", UPLOADS + "/upload_0", headers=PATCH, method="PATCH"),
    Bad("a path for an upload", 404, "not_found", UPLOADS + "/..%2f..%2fetc", headers=PATCH, method="PATCH"),
    Bad("NUL in an upload", 404, "unknown_upload", UPLOADS + "/%00", headers=PATCH, method="PATCH"),
    Bad("no UTF-8 in an upload", 404, "unknown_upload", UPLOADS + "/%ff%ed%a0%80", headers=TUS, method="DELETE"),
    Bad("a long upload", 404, "unknown_upload", UPLOADS + "/" + "a" * 30_000, headers=TUS, method="DELETE"),
    Bad(
        "an upload as octets",
        415,
        "unsupported_media_type",
        UPLOADS + "/0",
        headers={**PATCH, **OCTETS},
        method="PATCH",
    ),
    Bad(
        "an upload from nowhere",
        422,
        "invalid_request",
        UPLOADS + "/0",
        headers={**PATCH, "upload-offset": "x"},
        method="PATCH",
    ),
    Bad("no such route", 404, "not_found", "/v1/wallets", method="GET"),
    Bad("a wrong method", 405, "method_not_allowed", PAY, method="DELETE"),
]


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.name)
def test_bad_input_is_refused_and_leaves_nothing(service: Service, bad: Bad) -> None:
    """The status and code are right, the body is a problem, and no table has a row more, outcomes included."""
    before = service.rows()
    with service.client() as client:
        response = client.request(bad.method, bad.path, json=bad.json, content=bad.content, headers=bad.headers)
    assert response.status_code == bad.status, response.text
    _assert_problem(response, bad.status, bad.code)
    assert service.rows() == before


def _assert_problem(response: httpx.Response, status: int, code: str) -> None:
    problem = response.json()
    assert response.headers["content-type"] == "application/problem+json"
    assert problem["status"] == status
    assert problem["type"] == "urn:anh:problem:" + problem["code"]
    assert problem["request_id"] == response.headers["x-request-id"]
    assert problem["title"]
    assert problem["detail"]
    assert len(response.content) < 8_192
    if code:
        assert problem["code"] == code


def test_a_pointer_names_the_place_in_the_body(service: Service) -> None:
    """Errors inside a position, which may be a word too, point into the JSON that was sent."""
    with service.client() as client:
        problem = client.post(BOUND, json=_bound(position=_at(True))).json()
        word = client.post(BOUND, json=_bound(position="latest")).json()
    assert [error["pointer"] for error in problem["errors"]] == ["#/position/index"]
    assert [error["pointer"] for error in word["errors"]] == ["#/position"]


def test_a_body_is_read_no_further_than_the_limit(service: Service) -> None:
    """Endless bodies without a length are refused after the limit, long before their end."""
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        for _ in range(2_000):
            sent += 65_536
            yield b" " * 65_536

    with service.client() as client:
        try:
            response = client.post(PAY, content=endless(), headers=JSON)
        except httpx.TransportError:  # the server may close the connection on a client that does not stop
            pass
        else:
            _assert_problem(response, 413, "request_entity_too_large")
    assert sent < 2_000 * 65_536


GUARDED = [
    ("POST", SUBMIT),
    ("POST", "/v1/transactions/prepare"),
    ("GET", f"/v1/transactions/{SETTLED}"),
    ("GET", "/v1/blocks/0"),
    ("GET", "/v1/chain"),
    ("POST", PAY),
    ("POST", BOUND),
    ("POST", VIEW),
    ("POST", QUERY),
    ("POST", QUOTE),
    ("GET", INCOMES),
    ("GET", COST),
    ("POST", "/v1/outcomes"),
    ("GET", "/v1/contracts/0"),
    ("GET", "/v1/jobs"),
    ("GET", "/v1/jobs/job_0"),
    ("POST", "/v1/jobs/job_0/cancel"),
    ("GET", "/v1/jobs/job_0/events"),
    ("POST", "/v1/jobs/job_0/certificate"),
    ("GET", "/v1/jobs/job_0/certificate"),
    ("GET", "/v1/jobs/job_0/inclusion"),
    ("GET", "/v1/chain/headers"),
    ("GET", "/v1/chain/genesis"),
    ("GET", "/v1/oaths/oath_0"),
    ("POST", "/v1/oaths/oath_0/proof"),
    ("GET", "/v1/bounties"),
    ("GET", "/v1/bounties/0"),
    ("POST", "/v1/outcomes/rechecks"),
    ("GET", "/v1/agreement"),
    ("POST", "/v1/agreement/digests"),
    ("GET", "/v1/agreement/outcomes/0"),
    ("POST", "/v1/observations"),
    ("GET", "/v1/observations/0"),
    ("GET", "/v1/observations/0/pages/0"),
    ("POST", "/v1/payments/theta"),
    ("POST", "/v1/audits"),
    ("GET", "/v1/audits/job_0/oaths"),
    ("GET", "/v1/accountants"),
    ("GET", "/v1/accountants/self"),
    ("GET", "/v1/watch-list"),
    ("GET", "/v1/watch-list/0"),
    ("PUT", "/v1/watch-list/0"),
    ("DELETE", "/v1/watch-list/0"),
    ("POST", BLOBS),
    ("GET", BLOBS),
    ("GET", f"{BLOBS}/{CID}"),
    ("OPTIONS", UPLOADS),
    ("POST", UPLOADS),
    ("PATCH", UPLOADS + "/upload_0"),
    ("DELETE", UPLOADS + "/upload_0"),
    ("GET", "/v1/openapi.json"),
    ("GET", "/v1/no-such-route"),
]


@pytest.mark.parametrize(("method", "path"), GUARDED)
def test_the_key_guards_every_route(service: Service, method: str, path: str) -> None:
    """Without a key, with a malformed one, and with a wrong secret: 401, whatever the body."""
    wrong = service.key[:-1] + ("A" if service.key[-1] != "A" else "B")
    nobodys = "anh_" + "0" * 12 + service.key[16:]
    headers: list[dict[str, str]] = [
        {},
        {"Authorization": "Bearer"},
        {"Authorization": f"Basic {service.key}"},
        {"Authorization": f"Bearer {wrong}"},
        {"X-API-Key": nobodys},
        {"X-API-Key": "a key"},
    ]
    with httpx.Client(base_url=service.url, trust_env=False) as client:
        for given in headers:
            response = client.request(
                method, path, headers={**given, **JSON}, content=b"{" if method == "POST" else None
            )
            _assert_problem(response, 401, "unauthorized")
            assert response.headers["www-authenticate"] == "Bearer"


def test_every_route_is_guarded_or_a_probe(service: Service) -> None:
    """The list above is complete: a route that is neither on it nor a probe would be missing here."""
    with service.client() as client:
        paths = client.get("/v1/openapi.json").json()["paths"]
    known = {
        path.replace(SETTLED, "{hash}")
        .replace("job_0", "{id}")
        .replace("oath_0", "{id}")
        .replace("upload_0", "{id}")
        .replace(CID, "{cid}")
        .replace("contracts/0", "contracts/{id}")
        .replace("blocks/0", "blocks/{id}")
        .replace("agreement/outcomes/0", "agreement/outcomes/{seq}")
        .replace("observations/0", "observations/{height}")
        .replace("pages/0", "pages/{page}")
        .replace("watch-list/0", "watch-list/{contract}")
        .replace("bounties/0", "bounties/{contract}")
        .replace(ACCOUNT, "{address}")
        for _, path in GUARDED
    }
    assert set(paths) - known == {"/v1/health", "/v1/readiness"}


def test_both_ways_to_send_the_key(service: Service) -> None:
    """A bearer token and the X-API-Key header are the same key."""
    with httpx.Client(base_url=service.url, trust_env=False) as client:
        for headers in ({"Authorization": f"Bearer {service.key}"}, {"X-API-Key": service.key}):
            chain = client.get("/v1/chain", headers=headers)
            assert chain.status_code == 200
            assert chain.json()["genesis_hash"] == "0x" + service_genesis().hash.hex()


def test_a_wrong_signature_never_reaches_the_node(service: Service) -> None:
    """A transaction whose signature recovers no key is refused here, with the signature's own code."""
    raw = transfer(ALICE, 3, BOB.address, zero=1)
    with service.client() as client:
        response = client.post(SUBMIT, content=raw[:-1] + b"\x00", headers=OCTETS)
    _assert_problem(response, 422, "invalid_signature")
