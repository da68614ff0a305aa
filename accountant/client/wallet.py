"""A wallet over the REST API: what the service prepares is checked to be what was asked for, signed here, and sent.

The key never leaves this process, and the service is not trusted with what the transaction does: only with nonce,
gas, and which entries a call needs. Of these only gas costs money, and the fee is told before anything is signed.
"""

import time
from collections.abc import Sequence
from typing import NamedTuple

from accountant.chain.envelope import Envelope
from accountant.chain.transaction import (
    Argument,
    CallPayload,
    DeployPayload,
    Transaction,
    TransactionKind,
    decode_transaction,
    sign_transaction,
    transaction_hash,
)
from accountant.client.client import AccountantClient, ApiProblem, Json, NothingToSign
from accountant.client.signatures import Signature
from accountant.primitives.addresses import show
from accountant.primitives.encoding import encode
from accountant.primitives.errors import AccountantError
from accountant.primitives.keys import PrivateKey
from accountant.primitives.types import AccountId, Address, ContractId

ON_CHAIN_S = 60.0
"""How long a transaction is waited for unless somebody says otherwise."""
_POLL_S = 0.1
_NOT_FOUND = 404


class NotAsAsked(AccountantError):
    """What the service prepared is not what was asked for: it must not be signed."""

    code = "not_as_asked"


class Fails(NothingToSign):
    """A call that fails when it is tried out, so that nothing says what else it would touch."""

    code = "fails"

    def __init__(self, simulation: Json, place: str | None = None) -> None:
        """`place`: the source line, where somebody has the source."""
        super().__init__(f"{tried_out(simulation, place)}; what it would touch is unknown, so there is nothing to sign")
        self.simulation = simulation


class NotTaken(AccountantError):
    """No block would take the transaction now. `kind` is the validators' reason."""

    code = "not_taken"

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(f"no block would take this transaction now: {detail}")
        self.kind = kind


class NotOnChain(AccountantError):
    """A transaction was handed in, and is in no block yet."""

    code = "not_on_chain"


class Terms(NamedTuple):
    """Money and limits of a transaction, base units. 0 gas: what the simulation used, and a quarter more."""

    value: int = 0
    """Zero-cost money that comes with the call."""
    general_value: int = 0
    gas: int = 0
    tip: int = 0
    nonce: int | None = None
    """None: the sender's next one on the chain."""

    def body(self) -> Json:
        """The fields of a request."""
        chosen = {"gas_limit": self.gas or None, "nonce": self.nonce}
        fields = {"zero_value": self.value, "general_value": self.general_value, "tip": self.tip}
        return {**fields, **{name: value for name, value in chosen.items() if value is not None}}


class Ready(NamedTuple):
    """A transaction to sign, and what the service says of it."""

    unsigned: Transaction
    contract: str
    """What is called, or will be deployed."""
    prepared: Json

    @property
    def fee(self) -> int:
        """Base units of zero-cost money, all gas included; unused gas comes back as general money."""
        return int(self.prepared["fee"])

    @property
    def guesses(self) -> list[Json]:
        """Entries that a simulated run found: the call may touch others when it is executed."""
        return [entry for entry in self.prepared["entries"] if entry["guess"]]


def prepare_call(
    client: AccountantClient,
    sender: Address,
    contract: ContractId,
    function: Signature,
    arguments: Sequence[Argument],
    terms: Terms,
) -> Ready:
    """A call, ready to sign. Raises `Fails`, `NotTaken`, `NotAsAsked`, and what the client raises."""
    job = client.prepare(show(sender), show(contract), function.name, function.texts(arguments), **terms.body())
    payload = encode(CallPayload(function.name, tuple(arguments)))
    return _checked(client.result(job), TransactionKind.CALL, contract, payload, terms)


def prepare_deployment(
    client: AccountantClient,
    sender: Address,
    code: bytes,
    envelope: Envelope,
    constructor: Signature,
    arguments: Sequence[Argument],
    terms: Terms,
) -> Ready:
    """A deployment, ready to sign. Errors as `prepare_call`."""
    given = constructor.texts(arguments)
    job = client.prepare_deployment(show(sender), code, encode(envelope), given, **terms.body())
    payload = encode(DeployPayload(code, envelope, tuple(arguments)))
    return _checked(client.result(job), TransactionKind.DEPLOY, b"", payload, terms)


def prepare_again(client: AccountantClient, sender: Address, failed: str, terms: Terms) -> Ready:
    """The call or deployment of an earlier transaction, with its money and the entry that it lacked.

    The earlier transaction is executed first, lest its outcome be unknown. Raises `NotAsAsked` also where it did not
    fail, or is another sender's.
    """
    raw = bytes.fromhex(client.transaction(failed)["raw"][2:])
    if "0x" + transaction_hash(raw).hex() != failed:
        raise NotAsAsked(f"the service shows another transaction as {failed}")
    earlier = decode_transaction(raw)
    if client.result(client.outcome(failed))["verdict"] != "rejected":
        raise NotAsAsked(f"{failed} did not fail: there is nothing to do again")
    terms = terms._replace(value=earlier.zero_value, general_value=earlier.general_value)
    prepared = client.result(client.prepare_again(failed, sender=show(sender), **terms.body()))
    return _checked(prepared, earlier.kind, earlier.to, earlier.payload, terms)


def send(client: AccountantClient, key: PrivateKey, ready: Ready) -> str:
    """Signs and hands in; the transaction's hash. It is on the chain once `wait_for` returns."""
    return client.submit(sign_transaction(ready.unsigned, key))


def wait_for(client: AccountantClient, transaction: str, seconds: float = ON_CHAIN_S) -> Json:
    """The transaction, when the accountant has imported its block. Raises `NotOnChain`."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return client.transaction(transaction)
        except ApiProblem as problem:
            if problem.status != _NOT_FOUND:
                raise
        if time.monotonic() > deadline:
            raise NotOnChain(f"{transaction} is handed in, and in no block after {seconds:.0f} s")
        time.sleep(_POLL_S)


def _checked(prepared: Json, kind: TransactionKind, to: AccountId | bytes, payload: bytes, terms: Terms) -> Ready:
    """What was prepared, if it is what was asked for."""
    if prepared["transaction"] is None:
        raise Fails(prepared["simulation"])
    unsigned = decode_transaction(bytes.fromhex(prepared["transaction"]["unsigned"][2:]))
    money = (unsigned.zero_value, unsigned.general_value, unsigned.tip)
    asked = (kind, to, payload, terms.value, terms.general_value, terms.tip)
    if (unsigned.kind, unsigned.to, unsigned.payload, *money) != asked:
        raise NotAsAsked("the service prepared another transaction than the one that was asked for; nothing is signed")
    if int(prepared["fee"]) < unsigned.gas_limit * unsigned.gas_price + unsigned.tip:
        raise NotAsAsked("the service prepared a transaction that costs more than it says; nothing is signed")
    if terms.gas and unsigned.gas_limit != terms.gas:
        raise NotAsAsked(f"the service chose a gas limit of {unsigned.gas_limit}, {terms.gas} was asked for")
    if prepared["refusal"] is not None:
        raise NotTaken(prepared["refusal"]["kind"], prepared["refusal"]["detail"])
    return Ready(unsigned, prepared["contract"], prepared)


def tried_out(simulation: Json, place: str | None) -> str:
    """How a call failed when it was tried out, and where, for those who have the source."""
    where = f" at {place}" if place else ""
    return f"tried out on what is known of the state, it fails: {failure_of(simulation)}{where}"


def failure_of(ended: Json) -> str:
    """How a simulation or an outcome failed: `assertion: balance too low`."""
    return f"{ended['failure']}: {ended['detail']}" if ended["detail"] else str(ended["failure"])
