"""The REST API from Python: submit, ask, wait for the answer, read oaths."""

import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Self

import httpx

from accountant.primitives.errors import AccountantError
from accountant.primitives.types import Hash

Json = dict[str, Any]

_ENDED = ("done", "failed", "cancelled")
_POLL_S = 0.05


class ApiProblem(AccountantError):
    """The service refused a request: its problem details (RFC 9457)."""

    code = "api_problem"

    def __init__(self, status: int, problem: Json) -> None:
        code = str(problem.get("code", "problem"))
        super().__init__(f"{status} {code}: {str(problem.get('detail', '')).removeprefix(code + ': ')}")
        self.status = status
        self.problem = problem


class Unreachable(AccountantError):
    """Nobody answers at the accountant's address, or nobody that speaks its language."""

    code = "unreachable"


class JobNotDone(AccountantError):
    """A job that failed, was cancelled, or did not end in time."""

    code = "job_not_done"


class NothingToSign(AccountantError):
    """A preparation that came to no transaction: what the call touches is not known."""

    code = "nothing_to_sign"


class AccountantClient:
    """One accountant, one API key. A context manager; every method raises `ApiProblem` and `Unreachable`."""

    def __init__(self, url: str, api_key: str, timeout_s: float = 30.0, wait_s: int = 0) -> None:
        """`wait_s`: how long a question may take to be answered at once, in one request (at most 60); 0: not at all."""
        self.url = url
        headers = {"Authorization": f"Bearer {api_key}"}
        if wait_s:
            headers["Prefer"] = f"wait={wait_s}"
        self._http = httpx.Client(base_url=url, timeout=timeout_s + wait_s, trust_env=False, headers=headers)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def chain(self) -> Json:
        """The end of the chain that the accountant has imported."""
        return self._ask("GET", "/v1/chain")

    def submit(self, raw: bytes) -> str:
        """Hands in a signed transaction; its hash."""
        return str(self._ask("POST", "/v1/transactions", {"transaction": "0x" + raw.hex()})["hash"])

    def block(self, height_or_hash: int | str) -> Json:
        """A block of the chain."""
        return self._ask("GET", f"/v1/blocks/{height_or_hash}")

    def transaction(self, transaction_hash: str) -> Json:
        """A transaction of the chain."""
        return self._ask("GET", f"/v1/transactions/{transaction_hash}")

    def verify_payment(self, transaction_hash: str, **options: Any) -> Json:
        """Algorithm 4 (Pay): asks whether a payment settled; the job. Options: theta, gas_budget, swear."""
        return self._ask("POST", "/v1/payments/verifications", {"transaction": transaction_hash, **options})

    def propose_theta(self, kind: str, **fields: Any) -> Json:
        """Which incomes show that a payment is covered, executing nothing: status, theta, cost, lower_bound and more.

        Kinds and fields: `payment`: transaction. `amount`: account, amount, position.
        """
        return self._ask("POST", "/v1/payments/theta", {"kind": kind, **fields})

    def lower_bound(self, account: str, position: Json | str = "head", **options: Any) -> Json:
        """Lemma 1: asks what an account owns at least; the job. Options: target, theta, gas_budget, swear."""
        body = {"account": account, "position": position, **options}
        return self._ask("POST", "/v1/balances/lower-bound", body)

    def view(
        self,
        contract: str,
        function: str,
        arguments: Sequence[object] = (),
        position: Json | str = "head",
        **options: Any,
    ) -> Json:
        """Asks what a contract's function returns; the job. Options: gas_limit, gas_budget, swear."""
        body = {"contract": contract, "function": function, "arguments": list(arguments), "position": position}
        return self._ask("POST", "/v1/views", {**body, **options})

    def query(self, kind: str, **fields: Any) -> Json:
        """Asks an accounting query; the job. Its result has `verdict`, `answer` and, undecided, what is missing.

        Kinds: balance_at_least, transaction_succeeded, income, storage, view, lower_bound, exact_balance. Fields: the
        kind's own, gas_budget, swear.
        """
        return self._ask("POST", "/v1/queries", {"kind": kind, **fields})

    def quote(self, kind: str, **fields: Any) -> Json:
        """What a query would cost, executing nothing: gas_least, gas_most, gas_expected, expected_s and more. Kinds and
        fields are those of `query`, and `payment`: transaction, theta.
        """
        return self._ask("POST", "/v1/quotes", {"kind": kind, **fields})

    def incomes(self, account: str, **wanted: Any) -> Json:
        """A page of an account's incomes, latest first: `items` and, where there are more, `next_cursor`.

        Wanted: limit, cursor, known, min_amount, kind, from_height, to_height, gas_price.
        """
        if isinstance(wanted.get("known"), bool):
            wanted["known"] = str(wanted["known"]).lower()
        return self._ask("GET", f"/v1/accounts/{account}/incomes", parameters=wanted)

    def accounting_cost(self, **heights: int) -> list[Json]:
        """What knowing all money costs, by height. Heights: height, or from_height, to_height and points."""
        items: list[Json] = self._ask("GET", "/v1/accounting-cost", parameters=heights)["items"]
        return items

    def outcome(self, transaction_hash: str, **options: Any) -> Json:
        """Asks what a transaction did; the job. Options: gas_budget."""
        return self._ask("POST", "/v1/outcomes", {"transaction": transaction_hash, **options})

    def recheck(self, transaction_hash: str, **options: Any) -> Json:
        """Asks the same anew, from no stored outcome; the job. Options: gas_budget."""
        return self._ask("POST", "/v1/outcomes/rechecks", {"transaction": transaction_hash, **options})

    def observe(self, height: int, **options: Any) -> Json:
        """Asks for the world state at a height; the job. Options: gas_budget."""
        return self._ask("POST", "/v1/observations", {"height": height, **options})

    def observation(self, height: int) -> Json:
        """An observed world state that is kept: its root and its number of pages."""
        return self._ask("GET", f"/v1/observations/{height}")

    def observation_page(self, height: int, page: int) -> bytes:
        """A page of an observed world state: the canonical encoding of a list of leaves."""
        return self._request("GET", f"/v1/observations/{height}/pages/{page}").content

    def deployed(self, contract: str) -> Json:
        """What a contract admits, as its deployment says."""
        return self._ask("GET", f"/v1/contracts/{contract}")

    def prepare(
        self,
        sender: str,
        contract: str,
        function: str,
        arguments: Sequence[object] = (),
        **terms: Any,
    ) -> Json:
        """Asks for a call that is ready to sign; the job. Terms: zero_value, general_value, gas_price, gas_limit,
        tip, nonce. Its result has `transaction`: `signed` puts the signature in.
        """
        body = {"sender": sender, "contract": contract, "function": function, "arguments": list(arguments)}
        return self._ask("POST", "/v1/transactions/prepare", {**body, **terms})

    def prepare_deployment(
        self, sender: str, code: bytes, envelope: bytes, arguments: Sequence[object] = (), **terms: Any
    ) -> Json:
        """The same for a deployment. `envelope`: canonical bytes; `arguments`: the constructor's."""
        body = {"sender": sender, "code": "0x" + code.hex(), "envelope": "0x" + envelope.hex()}
        return self._ask("POST", "/v1/transactions/prepare", {**body, "arguments": list(arguments), **terms})

    def prepare_again(self, failed: str, **terms: Any) -> Json:
        """The same for an earlier transaction that failed: its call, its entries, and the one that it lacked."""
        return self._ask("POST", "/v1/transactions/prepare", {"failed": failed, **terms})

    def job(self, job_id: str) -> Json:
        """A job as it stands."""
        return self._ask("GET", f"/v1/jobs/{job_id}")

    def result(self, job: Json, timeout_s: float = 60.0) -> Json:
        """The certificate of a job, when it is done. Raises `JobNotDone`."""
        deadline = time.monotonic() + timeout_s
        while job["status"] not in _ENDED:
            if time.monotonic() > deadline:
                raise JobNotDone(f"job {job['id']} is {job['status']} after {timeout_s:.0f} s: {job['why_waiting']}")
            time.sleep(_POLL_S)
            job = self.job(job["id"])
        if job["status"] != "done":
            raise JobNotDone(f"job {job['id']} is {job['status']}: {job['error']}")
        result: Json = job["result"]
        return result

    def audit(self, contract: str, position: Json | str = "head", **options: Any) -> Json:
        """Asks for the audit of an oath contract; the job. Options: gas_budget, swear."""
        return self._ask("POST", "/v1/audits", {"contract": contract, "position": position, **options})

    def audits(self, **wanted: Any) -> Json:
        """A page of past audits, latest first. Wanted: contract, owner, limit, cursor."""
        return self._ask("GET", "/v1/audits", parameters=wanted)

    def audited_oaths(self, job_id: str, **wanted: Any) -> Json:
        """A page of a finished audit's oaths, latest first. Wanted: limit, cursor, verdict."""
        return self._ask("GET", f"/v1/audits/{job_id}/oaths", parameters=wanted)

    def accountants(self, **wanted: Any) -> Json:
        """A page of the accountants seen on the chain. Wanted: limit, cursor."""
        return self._ask("GET", "/v1/accountants", parameters=wanted)

    def watch(self, contract: str, interval_s: int, **options: Any) -> Json:
        """Has a contract audited again and again. Options: gas_budget, swear."""
        return self._ask("PUT", f"/v1/watch-list/{contract}", {"interval_s": interval_s, **options})

    def unwatch(self, contract: str) -> None:
        """Takes a contract off the watch list."""
        self._request("DELETE", f"/v1/watch-list/{contract}")

    def watched(self) -> list[Json]:
        """The watch list."""
        items: list[Json] = self._ask("GET", "/v1/watch-list")["items"]
        return items

    def export(self, job_id: str, **options: Any) -> Json:
        """Asks for a portable certificate of a job's answer; the job. Options: gas_budget."""
        return self._ask("POST", f"/v1/jobs/{job_id}/certificate", options)

    def certificate(self, job_id: str) -> bytes:
        """The portable certificate that an export job made."""
        return self._request("GET", f"/v1/jobs/{job_id}/certificate").content

    def inclusion(self, job_id: str, first: int = 0) -> Json:
        """Merkle proofs of up to 100 transactions that a job's answer rests on, from number `first` on."""
        return self._ask("GET", f"/v1/jobs/{job_id}/inclusion?first={first}")

    def genesis(self) -> bytes:
        """The canonical bytes of the chain's genesis. Trust them by their hash alone."""
        return self._request("GET", "/v1/chain/genesis").content

    def headers(self, from_height: int, limit: int = 1_000) -> bytes:
        """Signed headers from a height on, as `decode_signed_headers` reads them."""
        return self._request("GET", f"/v1/chain/headers?from_height={from_height}&limit={limit}").content

    def oath(self, oath_id: str) -> Json:
        """An oath, by its id or by the hash of its transaction, and whether it counts; executes nothing."""
        return self._ask("GET", f"/v1/oaths/{oath_id}")

    def _request(
        self, method: str, path: str, body: Json | None = None, parameters: Json | None = None
    ) -> httpx.Response:
        try:
            response = self._http.request(method, path, json=body, params=parameters)
        except (httpx.TransportError, httpx.InvalidURL) as error:
            raise Unreachable(f"no accountant answers at {self.url} ({type(error).__name__})") from None
        if response.is_error:
            try:
                problem = response.json()
            except ValueError:
                problem = {"detail": response.text[:200]}
            raise ApiProblem(response.status_code, problem)
        return response

    def _ask(self, method: str, path: str, body: Json | None = None, parameters: Json | None = None) -> Json:
        response = self._request(method, path, body, parameters)
        try:
            answer: Json = response.json()
        except ValueError:
            raise Unreachable(f"what answers at {self.url} is no accountant") from None
        return answer


def signed(prepared: Json, sign: Callable[[Hash], bytes]) -> bytes:
    """The bytes to submit, of the result of a preparation.

    `sign` gives the 65-byte signature of a 32-byte hash as an EIP-191 personal message, as `PrivateKey.sign` does.
    Raises `NothingToSign` where no transaction came of it.
    """
    draft = prepared["transaction"]
    if draft is None:
        raise NothingToSign(f"the simulated call failed: {prepared['simulation']}")
    signature = sign(Hash(bytes.fromhex(draft["signing_hash"][2:])))
    unsigned = bytes.fromhex(draft["unsigned"][2:])
    return unsigned[: -len(signature)] + signature
