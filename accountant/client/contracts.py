"""Contracts from Python, as objects whose attributes are their functions.

Of `token = deploy(client, compile_file(Path("token.py")), 10**6, key=key)` the call `token.transfer(bob, 5, key=key)`
is on the chain when it returns, but not executed. Of a view, `token.balance_of(bob)`, the accountant executes what its
answer rests on.
"""

from typing import Any, NamedTuple, Protocol

from accountant.chain.envelope import Envelope
from accountant.client.client import AccountantClient, Json
from accountant.client.signatures import Happened, Signature, Signatures, UnknownFunction, Value, value_of, wire_of
from accountant.client.wallet import Ready, Terms, failure_of, prepare_call, prepare_deployment, send, wait_for
from accountant.language.interface import INTERFACE_BYTES_MAX, Interface
from accountant.primitives.addresses import parse_account, show
from accountant.primitives.encoding import Decoder
from accountant.primitives.errors import AccountantError
from accountant.primitives.keys import PrivateKey
from accountant.primitives.types import HASH_BYTES, ContractId

_envelopes = Decoder(Envelope, INTERFACE_BYTES_MAX)


class ViewFailed(AccountantError):
    """A view that failed: that is its answer."""

    code = "view_failed"


class NoKey(AccountantError):
    """A transaction that nobody signs, or a view that somebody wants to sign."""

    code = "no_key"


class NotAContract(AccountantError):
    """A text or bytes that are no contract's id."""

    code = "not_a_contract"


class Deployable(Protocol):
    """What `compile_file` and `load_artefacts` give."""

    @property
    def code(self) -> bytes:
        """The module."""

    @property
    def envelope(self) -> Envelope:
        """What it admits."""

    @property
    def interface(self) -> Interface:
        """What its callers need."""


class Done(NamedTuple):
    """What a transaction did."""

    succeeded: bool
    reason: str | None
    """What the failed assertion says, or the kind of another failure; None after success."""
    returned: Value
    events: tuple[Happened, ...]
    gas_used: int
    certificate: Json
    """The service's whole answer."""


class Sent:
    """A transaction that was signed and handed in."""

    def __init__(self, contract: "ContractClient", function: Signature, ready: Ready, transaction: str) -> None:
        self.hash = transaction
        """The transaction's hash, 0x and hex."""
        self.fee = ready.fee
        self.gas_limit = ready.unsigned.gas_limit
        self.guesses = ready.guesses
        """Entries that were guessed."""
        self._contract = contract
        self._function = function

    def outcome(self) -> Done:
        """Has it executed, and tells what it did. A job of the service, like a view."""
        return self._contract.outcome(self.hash, self._function)


class Function:
    """A function of a deployed contract: calling it sends a transaction, or evaluates it if it is a view."""

    def __init__(self, contract: "ContractClient", signature: Signature) -> None:
        self._contract = contract
        self.signature = signature

    def __call__(
        self,
        *given: object,
        key: PrivateKey | None = None,
        value: int = 0,
        general_value: int = 0,
        gas: int = 0,
        tip: int = 0,
        wait: bool = True,
        **named: object,
    ) -> Any:
        """A `Sent` (of a view: the value), for arguments by position or name.

        `value`: zero-cost money that comes with the call; `general_value`: general money besides. `wait`: until it is
        on the chain. Raises `WrongArguments`, `InvalidArgument`, `NoKey`, and as `wallet.prepare_call` and `wait_for`;
        of a view `ViewFailed`.
        """
        if self.signature.view:
            if key is not None:
                raise NoKey(f"{self.signature.name} is a view: nobody signs it")
            return self._contract.view(self.signature.name, *given, **named)
        if key is None:
            raise NoKey(f"{self.signature.name} is a transaction: say who signs it, as in key=read_key(path, password)")
        terms = Terms(value, general_value, gas, tip)
        return self._contract.send(self.signature, self.signature.arguments(given, named), key, terms, wait)


class ContractClient:
    """A contract on the chain. `contract["name"]` is a function that has the name of an attribute of this class."""

    def __init__(self, client: AccountantClient, contract: str | bytes, interface: Interface | None = None) -> None:
        """Without `interface`, parameters have numbers for names, results no types, and nothing counts as a view.

        Asks the service for the contract's envelope. Raises `NotAContract`, `ApiProblem`, `Unreachable`.
        """
        self._client = client
        self.id = _contract_id(contract)
        self.deployed = client.deployed(show(self.id))
        """What the service says of its deployment."""
        self.signatures = Signatures(_envelopes.decode(bytes.fromhex(self.deployed["envelope"][2:])), interface)

    @property
    def address(self) -> bytes:
        """The id, so that a contract may be an argument."""
        return self.id

    def view(self, name: str, *given: object, **named: object) -> Value:
        """What a function returns at the head. Raises `ViewFailed`."""
        function = self.signatures.function(name)
        texts = function.texts(function.arguments(given, named))
        result = self._client.result(self._client.view(show(self.id), name, texts))
        answer = result["answer"]
        if answer["failure"] is not None:
            raise ViewFailed(f"{name}: {answer['failure']}")
        return value_of(function.returns, wire_of(answer["value"]))

    def send(
        self, function: Signature, arguments: tuple[int | bytes, ...], key: PrivateKey, terms: Terms, wait: bool
    ) -> Sent:
        """A call, prepared, signed and handed in."""
        ready = prepare_call(self._client, key.address, self.id, function, arguments, terms)
        sent = Sent(self, function, ready, send(self._client, key, ready))
        if wait:
            wait_for(self._client, sent.hash)
        return sent

    def outcome(self, transaction: str, function: Signature | None = None) -> Done:
        """What a transaction did, its events read by this contract's interface."""
        certificate = self._client.result(self._client.outcome(transaction))
        return done_of(certificate, self.signatures, self.id, function)

    def __getitem__(self, name: str) -> Function:
        return Function(self, self.signatures.function(name))

    def __getattr__(self, name: str) -> Function:
        if name.startswith("_") or "signatures" not in self.__dict__:
            raise AttributeError(name)
        try:
            return self[name]
        except UnknownFunction as error:
            raise AttributeError(error.detail) from None

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self.signatures.functions]


def deploy(
    client: AccountantClient,
    contract: Deployable,
    *given: object,
    key: PrivateKey,
    value: int = 0,
    general_value: int = 0,
    gas: int = 0,
    tip: int = 0,
    **named: object,
) -> ContractClient:
    """Deploys what was compiled, with its constructor's arguments; returns when it is on the chain.

    Nobody has executed it then: `contract.outcome(contract.deployed["deployment"])` asks whether it succeeded.
    Errors as of calls.
    """
    constructor = Signatures(contract.envelope, contract.interface).constructor
    arguments = constructor.arguments(given, named)
    terms = Terms(value, general_value, gas, tip)
    ready = prepare_deployment(client, key.address, contract.code, contract.envelope, constructor, arguments, terms)
    wait_for(client, send(client, key, ready))
    return ContractClient(client, ready.contract, contract.interface)


def done_of(certificate: Json, signatures: Signatures, contract: bytes, function: Signature | None) -> Done:
    """A decided outcome as values. `function`: what was called, if that is known."""
    outcome = certificate["outcome"]
    logs = ((_bytes(log["contract"]), _bytes(log["topic"]), _bytes(log["data"])) for log in outcome["logs"])
    plain = Signatures(Envelope(()))
    failure = outcome["failure"]
    return Done(
        succeeded=failure is None,
        reason=outcome["detail"] if failure == "assertion" else None if failure is None else failure_of(outcome),
        returned=value_of(function.returns if function else None, wire_of(outcome["return_value"])),
        events=tuple((signatures if log[0] == contract else plain).event(*log) for log in logs),
        gas_used=int(outcome["gas_used"]),
        certificate=certificate,
    )


def _contract_id(given: str | bytes) -> ContractId:
    found = parse_account(given) if isinstance(given, str) else given
    if len(found) != HASH_BYTES:
        raise NotAContract(f"{given!r} is no contract's id, which is 0x and {2 * HASH_BYTES} hexadecimal digits")
    return ContractId(bytes(found))


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text[2:])
