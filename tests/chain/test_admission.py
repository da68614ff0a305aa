"""Admission: every refusal by its code, and what envelopes let through."""

import msgspec
import pytest

from accountant.chain.block import Position
from accountant.chain.envelope import (
    CONSTRUCTOR,
    AmountArg,
    AmountLiteral,
    AmountValue,
    Arg,
    ArgumentKind,
    Callers,
    Envelope,
    FunctionEnvelope,
    Hashed,
    Literal,
    OpenAccess,
    Self,
    Sender,
    TemplateEntry,
    TemplateKind,
)
from accountant.chain.errors import InvalidTransaction, Refusal
from accountant.chain.fees import intrinsic_gas
from accountant.chain.footprint import Bound, Call, Credit, Debit, Entry, Query, Read, Write
from accountant.chain.genesis import GasSchedule, Limits
from accountant.chain.inclusion import Inclusion
from accountant.chain.query import BalanceAtLeast, TransactionSucceeded
from accountant.chain.state import ChainState
from accountant.chain.transaction import (
    DeployPayload,
    Transaction,
    TransactionKind,
    decode_transaction,
    deployed_contract,
    sign_transaction,
)
from accountant.primitives.cid import cid_of
from accountant.primitives.encoding import encode
from accountant.primitives.errors import AccountantError
from tests.support.chains import (
    ALICE,
    BOB,
    CAROL,
    RICH,
    accept_any_module,
    call,
    contract_id,
    deploy,
    genesis,
    genesis_contract,
    transfer,
    unsigned,
)

PUBLICATION_REFUSALS = {Refusal.PUBLICATION, Refusal.ALREADY_PUBLISHED, Refusal.UNPUBLISHED, Refusal.BLOB_SIZE}
"""Tested in `test_publications.py`."""

SHOP, VAULT, CLOSED = contract_id("shop"), contract_id("vault"), contract_id("closed")
SELF = (Self(),)

BUY = FunctionEnvelope(
    name="buy",
    arguments=(ArgumentKind.BYTES, ArgumentKind.INT, ArgumentKind.ACCOUNT),
    template=(
        TemplateEntry(TemplateKind.READ, SELF, (Literal(b"price/"), Arg(0)), certain=True),
        TemplateEntry(TemplateKind.WRITE, SELF, (Literal(b"owner/"), Sender())),
        TemplateEntry(TemplateKind.CREDIT, (Arg(2),)),
        TemplateEntry(TemplateKind.DEBIT, SELF, cap=AmountArg(1)),
        TemplateEntry(TemplateKind.CALL, (Literal(VAULT),)),
        TemplateEntry(TemplateKind.WRITE, (Literal(VAULT),), (Literal(b"open/"), Arg(0))),
        TemplateEntry(TemplateKind.DEBIT, (Literal(VAULT),), cap=AmountLiteral(500)),
        TemplateEntry(TemplateKind.BOUND, (Sender(),)),
    ),
    complete=True,
)
FREE = FunctionEnvelope(
    name="free",
    arguments=(),
    template=(
        TemplateEntry(TemplateKind.WRITE, SELF, (Literal(b"own"),)),
        TemplateEntry(TemplateKind.DEBIT, SELF, cap=AmountValue()),
    ),
    complete=False,
)
OWNER = FunctionEnvelope("owner", (), (), complete=True, callers=Callers.DEPLOYER)
LISTED = FunctionEnvelope("listed", (), (), complete=True, callers=Callers.LISTED, listed=(BOB.address,))
ZERO = FunctionEnvelope("zero", (), (), complete=True, zero_cost=True, gas_least=10_000, gas_most=50_000)
KINDS = FunctionEnvelope("kinds", tuple(ArgumentKind), (), complete=True)
GOOD_KINDS = (-5, 1, b"\xff", "ü".encode(), bytes(20), bytes(32), bytes(20), bytes(32), cid_of(b""))
UNPAID = FunctionEnvelope("unpaid", (), (), complete=True, payable=False)
RERUN = FunctionEnvelope(CONSTRUCTOR, (), (), complete=True)

SHOP_OPEN = OpenAccess((b"log/", b"p"), (b"log/",), reads_most=2, writes_most=1, debit_most=40, callable=False)
VAULT_OPEN = OpenAccess((b"open/",), (b"open/",), reads_most=1, writes_most=1, debit_most=100, callable=True)
SHOP_ENVELOPE = Envelope(
    tuple(sorted((BUY, FREE, OWNER, LISTED, ZERO, KINDS, RERUN, UNPAID), key=lambda f: f.name)), SHOP_OPEN
)

STATE = ChainState.at_genesis(
    genesis(
        contracts=(
            genesis_contract("shop", SHOP_ENVELOPE),
            genesis_contract("vault", Envelope((), VAULT_OPEN)),
            genesis_contract("closed", Envelope(())),
        ),
        limits=Limits(footprint_entries_most=8),
    )
)

PRICE = Read(SHOP, b"price/x")
OWNERSHIP = Write(SHOP, b"owner/" + ALICE.address)


def refusal(raw: bytes, state: ChainState = STATE) -> Refusal | None:
    """Why the transaction is refused; None if it is included."""
    inclusion = Inclusion(state, accept_any_module)
    try:
        inclusion.include(raw)
    except InvalidTransaction as error:
        assert not inclusion.accounts and not inclusion.transactions and not inclusion.contracts
        assert not inclusion.zero_changes and not inclusion.expense_totals and not inclusion.burnt
        return error.kind
    return None


def signed(kind: TransactionKind = TransactionKind.TRANSFER, to: bytes = bytes(20), **fields: object) -> bytes:
    return sign_transaction(msgspec.structs.replace(unsigned(kind, 0, to), **fields), ALICE)


def _with(name: str, value: int) -> bytes:
    return sign_transaction(
        msgspec.structs.replace(unsigned(TransactionKind.TRANSFER, 0, bytes(20)), **{name: value}), ALICE
    )


def shop_call(*entries: Entry, footprint: tuple[Entry, ...] | None = None) -> bytes:
    raw = call(ALICE, 0, SHOP, "buy", (b"x", 7, BOB.address), entries)
    if footprint is None:
        return raw
    return sign_transaction(msgspec.structs.replace(decode_transaction(raw), footprint=footprint), ALICE)


QUERY = encode(TransactionSucceeded(bytes(32)))
HUGE = 2**63 - 1

FORM = [
    (Refusal.VERSION, signed(version=2)),
    (Refusal.VERSION, signed(version=0)),
    (Refusal.CHAIN_ID, signed(chain_id=8)),
    (Refusal.NONCE, signed(nonce=1)),
    *[(Refusal.AMOUNT, _with(name, value)) for value in (-1, 2**63, 2**64 - 1)
      for name in ("zero_value", "general_value", "tip", "gas_limit", "gas_price", "nonce")],
    (Refusal.AMOUNT_SUM, signed(zero_value=2**62, general_value=2**62, gas_limit=2_000)),
    (Refusal.AMOUNT_SUM, signed(general_value=HUGE, gas_limit=2_000)),
    (Refusal.AMOUNT_SUM, signed(gas_limit=2**53, gas_price=2**10)),
    (Refusal.FEE_TOO_LARGE, signed(tip=HUGE)),
    (Refusal.UNPAID, signed(zero_value=RICH)),
    (Refusal.UNPAID, signed(tip=RICH)),
    (Refusal.GAS_PRICE, signed(gas_price=0)),
    (Refusal.GAS_LIMIT, signed(gas_limit=2**53 + 1)),
    (Refusal.GAS_BELOW_INTRINSIC, signed(general_value=1, gas_limit=1_999)),
    (Refusal.RECIPIENT, signed(to=b"")),
    (Refusal.RECIPIENT, signed(to=bytes(21))),
    (Refusal.TRANSFER_PAYLOAD, signed(payload=b"x")),
    (Refusal.TRANSFER_FOOTPRINT, signed(footprint=(PRICE,))),
    (Refusal.RECIPIENT, signed(TransactionKind.CALL, bytes(20), gas_limit=5_000)),
    (Refusal.RECIPIENT, signed(TransactionKind.DEPLOY, SHOP, gas_limit=100_000)),
    (Refusal.GAS_BELOW_INTRINSIC, signed(TransactionKind.CALL, SHOP, gas_limit=4_999)),
    (Refusal.GAS_BELOW_INTRINSIC, signed(TransactionKind.DEPLOY, b"", gas_limit=100_499, payload=b"x")),
    (Refusal.PAYLOAD, signed(TransactionKind.CALL, SHOP, gas_limit=5_000)),
    (Refusal.PAYLOAD, signed(TransactionKind.CALL, SHOP, gas_limit=5_000, payload=b"\x92\xa1f\x90\x00")),
    (Refusal.PAYLOAD, signed(TransactionKind.CALL, SHOP, gas_limit=5_000, payload=b"\x92\xa1f\x91\xcd\x00\x01")),
    (Refusal.PAYLOAD, signed(TransactionKind.DEPLOY, b"", gas_limit=110_000, payload=b"\x90")),
    (Refusal.FOOTPRINT_SIZE, shop_call(*[Read(SHOP, bytes([i])) for i in range(9)])),
    (Refusal.FOOTPRINT_ORDER, shop_call(footprint=(OWNERSHIP, PRICE))),
    (Refusal.FOOTPRINT_ORDER, shop_call(footprint=(PRICE, PRICE))),
    (Refusal.FOOTPRINT_ORDER, shop_call(footprint=(Read(SHOP, b"b"), Read(SHOP, b"a")))),
    (Refusal.FOOTPRINT_ORDER, shop_call(footprint=(Debit(SHOP, 1), Debit(SHOP, 2)))),
    (Refusal.FOOTPRINT_ENTRY, shop_call(Read(SHOP[:31], b""))),
    (Refusal.FOOTPRINT_ENTRY, shop_call(Write(SHOP, bytes(129)))),
    (Refusal.FOOTPRINT_ENTRY, shop_call(Call(bytes(20)))),
    (Refusal.FOOTPRINT_ENTRY, shop_call(Credit(bytes(21)))),
    (Refusal.FOOTPRINT_ENTRY, shop_call(Bound(b""))),
    (Refusal.FOOTPRINT_ENTRY, shop_call(Debit(bytes(20), 1))),
    (Refusal.FOOTPRINT_ENTRY, shop_call(footprint=(Debit(SHOP, -1),))),
    (Refusal.FOOTPRINT_ENTRY, shop_call(footprint=(Debit(SHOP, 2**63),))),
    (Refusal.FOOTPRINT_ENTRY, shop_call(Query(b""))),
    (Refusal.FOOTPRINT_ENTRY, shop_call(Query(QUERY + b"\x00"))),
    (Refusal.FOOTPRINT_ENTRY, shop_call(Query(bytes(1025)))),
    (Refusal.FOOTPRINT_ENTRY, shop_call(Query(encode(BalanceAtLeast(bytes(21), 1, Position(bytes(32), 0)))))),
    (Refusal.AMOUNT_SUM, shop_call(Debit(SHOP, HUGE), Debit(VAULT, 1))),
    (Refusal.AMOUNT_SUM, shop_call(Debit(SHOP, HUGE))),
    (Refusal.ENCODING, b""),
    (Refusal.ENCODING, transfer(ALICE, 0, bytes(20)) + b"\x00"),
    (Refusal.ENCODING, transfer(ALICE, 0, bytes(20))[:-1]),
    (Refusal.ENCODING, bytes(512 * 1024 + 1)),
    (Refusal.SIGNATURE, encode(unsigned(TransactionKind.TRANSFER, 0, bytes(20)))),
    (Refusal.SIGNATURE, transfer(ALICE, 0, bytes(20))[:-1] + b"\x00"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "raw"), FORM, ids=lambda value: value.name if isinstance(value, Refusal) else "")
def test_form(kind: Refusal, raw: bytes) -> None:
    """A transaction that breaks a rule of form is refused by that rule's code, and nothing has changed."""
    assert refusal(raw) is kind


CALLS = [
    (None, shop_call()),
    (None, shop_call(PRICE)),
    (None, shop_call(PRICE, OWNERSHIP, Credit(BOB.address), Debit(SHOP, 7), Bound(ALICE.address), Call(SHOP))),
    (None, shop_call(Call(VAULT), Write(VAULT, b"open/x"), Debit(VAULT, 100))),
    (Refusal.NOT_ADMITTED, shop_call(Debit(VAULT, 101))),  # within the template, beyond the vault's own limit
    (Refusal.NOT_ADMITTED, shop_call(Debit(SHOP, 8))),
    (Refusal.NOT_ADMITTED, shop_call(Read(SHOP, b"log/x"))),  # open, but the function is complete
    (Refusal.NOT_ADMITTED, shop_call(Write(SHOP, b"price/x"))),
    (Refusal.NOT_ADMITTED, shop_call(Write(SHOP, b"owner/" + BOB.address))),
    (Refusal.NOT_ADMITTED, shop_call(Credit(CAROL.address))),
    (Refusal.NOT_ADMITTED, shop_call(Bound(BOB.address))),
    (Refusal.NOT_ADMITTED, shop_call(Query(QUERY))),
    (Refusal.NOT_ADMITTED, shop_call(Call(CLOSED))),
    (Refusal.NOT_ADMITTED, shop_call(Write(VAULT, b"open/y"))),
    (None, call(ALICE, 0, SHOP, "free", (), (Credit(CAROL.address), Bound(BOB.address), Query(QUERY)))),
    (None, call(ALICE, 0, SHOP, "free", (), (Write(SHOP, b"own"), Write(SHOP, b"log/1")))),
    (Refusal.NOT_ADMITTED, call(ALICE, 0, SHOP, "free", (), (Write(SHOP, b"log/1"), Write(SHOP, b"log/2")))),
    (Refusal.NOT_ADMITTED, call(ALICE, 0, SHOP, "free", (), (Write(SHOP, b"p"),))),
    (None, call(ALICE, 0, SHOP, "free", (), (Read(SHOP, b"p1"), Read(SHOP, b"log/")))),
    (Refusal.NOT_ADMITTED, call(ALICE, 0, SHOP, "free", (), [Read(SHOP, b"p%d" % i) for i in range(3)])),
    (None, call(ALICE, 0, SHOP, "free", (), (Debit(SHOP, 40),))),
    (Refusal.NOT_ADMITTED, call(ALICE, 0, SHOP, "free", (), (Debit(SHOP, 41),))),
    (None, call(ALICE, 0, SHOP, "free", (), (Debit(SHOP, 41),), zero_value=30, general_value=11)),
    (None, call(ALICE, 0, SHOP, "free", (), (Call(VAULT), Read(VAULT, b"open/")))),
    (Refusal.NOT_ADMITTED, call(ALICE, 0, SHOP, "free", (), (Read(VAULT, b"shut"),))),
    (Refusal.NOT_ADMITTED, call(ALICE, 0, SHOP, "free", (), (Call(CLOSED),))),
    (Refusal.NOT_ADMITTED, call(ALICE, 0, SHOP, "free", (), (Debit(CLOSED, 0),))),
    (Refusal.UNKNOWN_CONTRACT, call(ALICE, 0, SHOP, "free", (), (Call(contract_id("none")),))),
    (Refusal.UNKNOWN_CONTRACT, call(ALICE, 0, contract_id("none"), "free")),
    (Refusal.UNKNOWN_FUNCTION, call(ALICE, 0, SHOP, "nothing")),
    (Refusal.CONSTRUCTOR, call(ALICE, 0, SHOP, CONSTRUCTOR)),
    (None, call(ALICE, 0, SHOP, "owner")),
    (Refusal.CALLER, call(BOB, 0, SHOP, "owner")),
    (None, call(BOB, 0, SHOP, "listed")),
    (Refusal.CALLER, call(ALICE, 0, SHOP, "listed")),
    (None, call(ALICE, 0, SHOP, "zero", zero_value=5, gas_limit=10_000)),
    (Refusal.ZERO_COST, call(ALICE, 0, SHOP, "zero", zero_value=5, general_value=1, gas_limit=50_000)),
    (None, call(ALICE, 0, SHOP, "unpaid")),
    (Refusal.NOT_PAYABLE, call(ALICE, 0, SHOP, "unpaid", zero_value=1)),
    (Refusal.NOT_PAYABLE, call(ALICE, 0, SHOP, "unpaid", general_value=1)),
    (Refusal.FUNCTION_GAS, call(ALICE, 0, SHOP, "zero", gas_limit=9_999)),
    (Refusal.FUNCTION_GAS, call(ALICE, 0, SHOP, "zero", gas_limit=50_001)),
    (Refusal.TEMPLATE, call(ALICE, 0, SHOP, "buy", (bytes(123), 7, BOB.address), (PRICE,))),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "raw"), CALLS)
def test_calls(kind: Refusal | None, raw: bytes) -> None:
    """Envelopes of the callee and of every other contract decide what a call may declare and who may make it."""
    assert refusal(raw) is kind


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (0, 2**63), (0, b""), (1, 2), (1, -1), (1, b"\x01"), (2, 0), (3, b"\xff"), (3, 0), (4, bytes(19)),
        (4, bytes(32)), (5, bytes(20)), (6, bytes(21)), (7, bytes(31)), (7, 0),
        (8, bytes(36)), (8, cid_of(b"")[:-1]), (8, cid_of(b"") + b"\x00"), (8, bytes(32)), (8, 0),
    ],
)  # fmt: skip
def test_argument_kinds(place: int, value: int | bytes) -> None:
    """Each argument is of the kind that the envelope names; one that is not is refused."""
    assert refusal(call(ALICE, 0, SHOP, "kinds", GOOD_KINDS)) is None
    bad = (*GOOD_KINDS[:place], value, *GOOD_KINDS[place + 1 :])
    assert refusal(call(ALICE, 0, SHOP, "kinds", bad)) is Refusal.ARGUMENTS
    assert refusal(call(ALICE, 0, SHOP, "kinds", GOOD_KINDS[:-1])) is Refusal.ARGUMENTS


INIT = FunctionEnvelope(
    CONSTRUCTOR,
    (ArgumentKind.INT,),
    (TemplateEntry(TemplateKind.WRITE, SELF, (Literal(b"total"),)),),
    complete=True,
)
UNPAID_INIT = FunctionEnvelope(CONSTRUCTOR, (), (), complete=True, payable=False)
NEW = deployed_contract(ALICE.address, decode_transaction(deploy(ALICE, 0, b"wasm", Envelope(()), ())))
BAD_ENVELOPE = Envelope((FREE, BUY))

DEPLOYMENTS = [
    (None, deploy(ALICE, 0, b"wasm", Envelope((INIT,)), (5,), (Write(NEW, b"total"),))),
    (None, deploy(ALICE, 0, b"wasm", Envelope(()), (), (Call(VAULT), Read(VAULT, b"open/x")))),
    (None, deploy(ALICE, 0, b"wasm", Envelope((), SHOP_OPEN), (), (Write(NEW, b"log/x"),))),
    (Refusal.NOT_ADMITTED, deploy(ALICE, 0, b"wasm", Envelope((INIT,)), (5,), (Write(NEW, b"other"),))),
    (Refusal.NOT_ADMITTED, deploy(ALICE, 0, b"wasm", Envelope((INIT,)), (5,), (Read(VAULT, b"open/x"),))),
    (Refusal.NOT_ADMITTED, deploy(ALICE, 0, b"wasm", Envelope(()), (), (Write(NEW, b"total"),))),
    (Refusal.NOT_ADMITTED, deploy(ALICE, 0, b"wasm", Envelope(()), (), (Read(VAULT, b"shut"),))),
    (None, deploy(ALICE, 0, b"wasm", Envelope((INIT,)), (5,), general_value=3)),
    (None, deploy(ALICE, 0, b"wasm", Envelope((UNPAID_INIT,)), ())),
    (Refusal.NOT_PAYABLE, deploy(ALICE, 0, b"wasm", Envelope((UNPAID_INIT,)), (), general_value=3)),
    (Refusal.NOT_PAYABLE, deploy(ALICE, 0, b"wasm", Envelope((UNPAID_INIT,)), (), zero_value=3)),
    (None, deploy(ALICE, 0, b"wasm", Envelope((UNPAID,)), (), zero_value=3)),  # no constructor: no rule
    (Refusal.ARGUMENTS, deploy(ALICE, 0, b"wasm", Envelope((INIT,)), ())),
    (Refusal.ARGUMENTS, deploy(ALICE, 0, b"wasm", Envelope(()), (5,))),
    (Refusal.ENVELOPE, deploy(ALICE, 0, b"wasm", BAD_ENVELOPE)),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "raw"), DEPLOYMENTS)
def test_deployments(kind: Refusal | None, raw: bytes) -> None:
    """A deployment's envelope is well formed, and its constructor is admitted like a call of the new contract."""
    assert refusal(raw) is kind


class OddModule(AccountantError):
    """A module check's own error."""


def test_a_modules_refusal_is_the_transactions() -> None:
    """What the module check raises makes the deployment invalid, with its detail; nothing is deployed."""

    def refuse(code: bytes, envelope: Envelope, limits: Limits) -> None:
        raise OddModule(f"bad module of {len(code)} bytes")

    inclusion = Inclusion(STATE, refuse)
    with pytest.raises(InvalidTransaction, match="bad module of 4 bytes") as caught:
        inclusion.include(deploy(ALICE, 0, b"wasm", Envelope(())))
    assert caught.value.kind is Refusal.MODULE
    assert inclusion.contract(NEW) is None and not inclusion.transactions


def test_a_deployment_is_seen_by_the_next_transaction_and_not_twice() -> None:
    """The envelope of a deployment holds for the next transaction of the same block."""
    inclusion = Inclusion(STATE, accept_any_module)
    early = call(BOB, 0, NEW, "owner")
    with pytest.raises(InvalidTransaction) as caught:
        inclusion.include(early)
    assert caught.value.kind is Refusal.UNKNOWN_CONTRACT
    inclusion.include(deploy(ALICE, 0, b"wasm", Envelope((OWNER,))))
    with pytest.raises(InvalidTransaction) as caught:
        inclusion.include(early)
    assert caught.value.kind is Refusal.CALLER
    inclusion.include(call(ALICE, 1, NEW, "owner"))


def test_a_genesis_contract_in_the_way_of_a_deployment() -> None:
    """A deployment never replaces a contract, not even one that genesis put at its id in advance."""
    squatter = genesis_contract("shop", Envelope(()))
    squatter = msgspec.structs.replace(squatter, contract=NEW)
    state = ChainState.at_genesis(genesis(contracts=(squatter,)))
    assert refusal(deploy(ALICE, 0, b"wasm", Envelope(())), state) is Refusal.CONTRACT_EXISTS


def test_a_template_costs_no_more_than_its_transaction() -> None:
    """A template that hashes a large argument over and over is refused once it outgrows the arguments."""
    hashes = Hashed(tuple(Arg(0) for _ in range(200)))
    greedy = FunctionEnvelope(
        "greedy", (ArgumentKind.BYTES,), (TemplateEntry(TemplateKind.READ, SELF, (hashes,)),), complete=True
    )
    state = ChainState.at_genesis(genesis(contracts=(genesis_contract("shop", Envelope((greedy,))),)))
    assert refusal(call(ALICE, 0, SHOP, "greedy", (bytes(100_000),), (PRICE,)), state) is Refusal.TEMPLATE
    assert refusal(call(ALICE, 0, SHOP, "greedy", (bytes(100),), (PRICE,)), state) is Refusal.NOT_ADMITTED


def test_every_refusal_has_a_test() -> None:
    """No code of `Refusal` is missing from the cases above."""
    tables = {kind for kind, _ in [*FORM, *CALLS, *DEPLOYMENTS]}
    elsewhere = {Refusal.MODULE, Refusal.CONTRACT_EXISTS, Refusal.ARGUMENTS, *PUBLICATION_REFUSALS}
    assert set(Refusal) - tables == elsewhere - tables


def test_intrinsic_gas() -> None:
    """The check of G costs gas, a call and a deployment more, and the code by its bytes."""
    gas = GasSchedule()

    def of(raw: bytes) -> int:
        transaction: Transaction = decode_transaction(raw)
        return intrinsic_gas(transaction, gas)

    assert of(transfer(ALICE, 0, bytes(20), zero=5)) == 0
    assert of(transfer(ALICE, 0, bytes(20), general=5)) == gas.general_check
    assert of(call(ALICE, 0, SHOP, "f", general_value=1)) == gas.general_check + gas.call_base
    raw = deploy(ALICE, 0, b"wasm", Envelope(()))
    size = len(encode(DeployPayload(b"wasm", Envelope(()), ())))
    assert of(raw) == gas.deploy_base + gas.deploy_per_byte * size
