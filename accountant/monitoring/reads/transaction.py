"""One transaction as a page shows it: what it says, and what it did where somebody observed that. Executes nothing."""

from typing import NamedTuple

from accountant.chain.envelope import ArgumentKind
from accountant.chain.fees import fee_of
from accountant.chain.footprint import Entry
from accountant.chain.transaction import TransactionKind, decode_call, decode_deployment, deployed_contract
from accountant.chain.values import text_of
from accountant.execution.outcome import Outcome
from accountant.execution.port import OutcomeStore
from accountant.index.directory import deployment_of
from accountant.index.port import BlockInfo, ChainIndex, Located
from accountant.primitives.encoding import encode
from accountant.primitives.errors import InvalidEncoding
from accountant.primitives.types import ContractId, Seq

BYTES_SHOWN = 256
"""Of a slot, an argument or a logged value; the rest is counted."""
LINES_SHOWN = 200
"""Of a footprint, or of what an outcome lists."""


class Shown(NamedTuple):
    """A piece of data, cut where it is long."""

    text: str
    left_out: int
    """Bytes or characters that are not shown."""


class Touch(NamedTuple):
    """An entry of a footprint in words."""

    kind: str
    account: bytes | None
    detail: Shown | None
    cap: int | None


class Called(NamedTuple):
    """What a call or a deployment runs. `contract`: whose code; `arguments` with their kinds, where those are known."""

    contract: bytes
    function: str | None
    arguments: list[tuple[str, Shown]]
    code_bytes: int | None


class TransactionPage(NamedTuple):
    """All of it. `outcome` is None where nobody observed it."""

    located: Located
    block: BlockInfo
    size: int
    fee: int
    """Base units that left the zero-cost balance at inclusion besides zero_value, tip and gas included."""
    called: Called | None
    touches: list[Touch]
    outcome: Outcome | None

    @property
    def kind(self) -> str:
        """Transfer, call or deployment, by name."""
        return self.located.transaction.kind.name.lower()


def cut(text: str, most: int = 2 * BYTES_SHOWN) -> Shown:
    """A text of at most `most` characters."""
    return Shown(text[:most], max(0, len(text) - most))


def shown_bytes(data: bytes) -> Shown:
    """Bytes as hex; where all of them are printable ASCII, as the text that they are, in quotes."""
    head = data[:BYTES_SHOWN]
    readable = bool(head) and all(32 <= byte < 127 for byte in head)
    text = f"“{head.decode('ascii')}”" if readable else f"0x{head.hex()}"
    return Shown(text, len(data) - len(head))


def transaction_page(index: ChainIndex, outcomes: OutcomeStore, seq: Seq) -> TransactionPage:
    """The transaction with this number, which must exist."""
    located = index.transaction(seq)
    block = index.block(located.height)
    assert block is not None
    transaction = located.transaction
    size = len(encode(transaction))
    observed = outcomes.get(seq)
    return TransactionPage(
        located,
        block,
        size,
        fee_of(transaction, size, index.genesis.fees),
        _called(index, located),
        [touch_of(entry) for entry in transaction.footprint[:LINES_SHOWN]],
        None if observed is None else observed.outcome,
    )


def _called(index: ChainIndex, located: Located) -> Called | None:
    transaction = located.transaction
    try:
        match transaction.kind:
            case TransactionKind.TRANSFER:
                return None
            case TransactionKind.CALL:
                payload = decode_call(transaction.payload)
                kinds = _kinds(index, ContractId(transaction.to), payload.function)
                return Called(transaction.to, payload.function, _arguments(kinds, payload.arguments), None)
            case TransactionKind.DEPLOY:
                deployed = decode_deployment(transaction.payload)
                contract = deployed_contract(located.sender, transaction)
                return Called(contract, None, _arguments((), deployed.arguments), len(deployed.code))
    except InvalidEncoding:
        pass  # no block takes such a payload
    return None


def _kinds(index: ChainIndex, contract: ContractId, function: str) -> tuple[ArgumentKind, ...]:
    deployment = deployment_of(index, contract)
    found = None if deployment is None else deployment.envelope.function(function)
    return () if found is None else found.arguments


def _arguments(kinds: tuple[ArgumentKind, ...], values: tuple[int | bytes, ...]) -> list[tuple[str, Shown]]:
    shown = []
    for place, value in enumerate(values):
        kind = kinds[place] if place < len(kinds) else None
        plain = isinstance(value, bytes) and kind in (None, ArgumentKind.BYTES)
        text = shown_bytes(value) if plain and isinstance(value, bytes) else cut(text_of(kind, value))
        shown.append(("" if kind is None else kind.name.lower(), text))
    return shown


def touch_of(entry: Entry) -> Touch:
    """An entry of a footprint, whatever its kind: on whom, with which bytes, up to which cap."""
    fields = {name: getattr(entry, name) for name in entry.__struct_fields__}
    account = fields.pop("contract", None) or fields.pop("account", None)
    cap = fields.pop("cap", None)
    detail = next((shown_bytes(value) for value in fields.values() if isinstance(value, bytes)), None)
    return Touch(type(entry).__name__.lower(), account, detail, cap)
