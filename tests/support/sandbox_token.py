"""A token in WAT for tests of the sandbox, with what it admits and the interface that a compiler would write."""

from functools import cache

from accountant.chain.envelope import (
    AmountArg,
    Arg,
    ArgumentKind,
    Envelope,
    FunctionEnvelope,
    Literal,
    OpenAccess,
    Part,
    Self,
    Sender,
    TemplateEntry,
    TemplateKind,
)
from accountant.language.tree import Field
from accountant.language.types import Type
from accountant.sandbox import Chain, Contract
from accountant.sandbox.signature import Signature, Signatures
from tests.support.wat import module, text

_DATA = "balances:-------balance too low-Transferheir:"
_BALANCES, _TOO_LOW, _TRANSFER, _HEIR = text(0, 9), text(16, 15), text(32, 8), text(40, 5)

_BODY = f"""
(func $slot (param $account i64) (result i64)
  (call $bytes_concat {_BALANCES} (local.get $account)))
(func $sized (param $bytes i64) (result i64)
  (call $bytes_concat (call $bytes_from_int (call $bytes_len (local.get $bytes))) (local.get $bytes)))
(func $move (param $to i64) (param $amount i64) (local $mine i64) (local $theirs i64)
  (local.set $mine (call $slot (call $caller)))
  (local.set $theirs (call $slot (local.get $to)))
  (if (i64.gt_s (local.get $amount) (call $storage_read_int (local.get $mine)))
    (then (call $fail {_TOO_LOW})))
  (call $storage_write_int (local.get $mine)
    (i64.sub (call $storage_read_int (local.get $mine)) (local.get $amount)))
  (call $storage_write_int (local.get $theirs)
    (i64.add (call $storage_read_int (local.get $theirs)) (local.get $amount)))
  (call $log {_TRANSFER} (call $bytes_concat
    (call $bytes_concat (call $sized (call $caller)) (call $sized (local.get $to)))
    (call $bytes_from_int (local.get $amount)))))
(func (export "init")
  (call $storage_write_int (call $slot (call $caller)) (call $arg_int (i64.const 0))))
(func (export "transfer")
  (call $move (call $arg_bytes (i64.const 0)) (call $arg_int (i64.const 1)))
  (call $return_int (i64.const 1)))
(func (export "balance_of")
  (call $return_int (call $storage_read_int (call $slot (call $arg_bytes (i64.const 0))))))
(func (export "withdraw")
  (call $transfer (call $caller) (call $arg_int (i64.const 0))))
(func (export "name_heir")
  (call $storage_write {_HEIR} (call $arg_bytes (i64.const 0))))
(func (export "bequeath")
  (call $move (call $storage_read {_HEIR}) (call $arg_int (i64.const 0))))
(func (export "broken") unreachable)
(func (export "opened")
  (call $return_int (i64.add (call $time) (call $arg_int (i64.const 0)))))
(func (export "refuse")
  (call $fail {_TOO_LOW}))
"""


@cache
def token_code() -> bytes:
    """The token's module."""
    return module(_BODY, _DATA)


def _both(*slot: Part) -> tuple[TemplateEntry, TemplateEntry]:
    on: tuple[Part, ...] = (Self(),)
    return TemplateEntry(TemplateKind.READ, on, slot), TemplateEntry(TemplateKind.WRITE, on, slot)


def token_envelope() -> Envelope:
    """What the token admits. The heir's slot follows from state, so `bequeath` leaves it open."""
    mine, named = (Literal(b"balances:"), Sender()), (Literal(b"balances:"), Arg(0))
    heir = (Literal(b"heir:"),)
    account, number = ArgumentKind.ACCOUNT, ArgumentKind.INT
    pays = (
        TemplateEntry(TemplateKind.DEBIT, (Self(),), cap=AmountArg(0)),
        TemplateEntry(TemplateKind.CREDIT, (Sender(),)),
    )
    functions = (
        FunctionEnvelope("balance_of", (account,), (), complete=False),
        FunctionEnvelope("bequeath", (number,), (*_both(*mine), *_both(*heir)), complete=False),
        FunctionEnvelope("broken", (), (), complete=True),
        FunctionEnvelope("init", (number,), _both(*mine), complete=True),
        FunctionEnvelope("name_heir", (account,), _both(*heir), complete=True),
        FunctionEnvelope("opened", (number,), (), complete=True, payable=False),
        FunctionEnvelope("refuse", (), (), complete=True),
        FunctionEnvelope("transfer", (account, number), (*_both(*mine), *_both(*named)), complete=True),
        FunctionEnvelope("withdraw", (number,), pays, complete=True, gas_most=100_000),
    )
    return Envelope(functions, OpenAccess((b"balances:",), (b"balances:",), reads_most=2, writes_most=2))


def token_signatures() -> Signatures:
    """The token's interface."""
    to, amount = Field("to", Type.ACCOUNT), Field("amount", Type.INT)
    functions = (
        Signature("transfer", (to, amount), Type.BOOL),
        Signature("balance_of", (Field("account", Type.ACCOUNT),), Type.INT, view=True),
        Signature("withdraw", (amount,), Type.NONE),
        Signature("name_heir", (Field("heir", Type.ACCOUNT),), Type.NONE),
        Signature("bequeath", (amount,), Type.NONE),
        Signature("broken", (), Type.NONE),
        Signature("opened", (Field("seconds", Type.INT),), Type.INT, view=True),
        Signature("refuse", (), Type.INT, view=True),
    )
    return Signatures(
        {function.name: function for function in functions},
        Signature("init", (Field("units", Type.INT),)),
        {"Transfer": (Field("source", Type.ACCOUNT), to, amount)},
    )


def deploy_token(chain: Chain, units: object = 1_000) -> Contract:
    """The token, deployed by alice."""
    alice = chain.account("alice")
    return chain.deploy_module(
        token_code(), token_envelope(), units, sender=alice, name="token", signatures=token_signatures()
    )
