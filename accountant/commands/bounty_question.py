"""The question of a bounty, as it is written on the command line: a kind, and what it is about."""

from collections.abc import Sequence
from enum import StrEnum

from accountant.chain.block import Position
from accountant.chain.envelope import ArgumentKind
from accountant.chain.query import AccountingQuery, BalanceAtLeast, Income, Storage, TransactionSucceeded, View
from accountant.chain.transaction import Argument
from accountant.chain.values import argument_of
from accountant.client.client import AccountantClient
from accountant.client.contracts import ContractClient
from accountant.commands.place import position_of
from accountant.primitives.addresses import parse_account
from accountant.primitives.errors import AccountantError

VIEW_GAS = 1_000_000
"""The gas limit of a view: every claim pays for all of it."""


class InvalidBountyQuestion(AccountantError):
    """A question that is written as none of its kind is."""

    code = "invalid_question"


class QuestionKind(StrEnum):
    """What can be asked for a bounty: whatever can be sworn."""

    BALANCE_AT_LEAST = "balance-at-least"
    TRANSACTION_SUCCEEDED = "transaction-succeeded"
    INCOME = "income"
    STORAGE = "storage"
    VIEW = "view"


_WANTED = {
    QuestionKind.BALANCE_AT_LEAST: "ACCOUNT UNITS",
    QuestionKind.TRANSACTION_SUCCEEDED: "TRANSACTION",
    QuestionKind.INCOME: "TRANSACTION ACCOUNT",
    QuestionKind.STORAGE: "CONTRACT SLOT",
    QuestionKind.VIEW: "CONTRACT FUNCTION ARG…",
}


def question_of(client: AccountantClient, kind: QuestionKind, about: Sequence[str], at: str) -> AccountingQuery:
    """The query. Raises `InvalidBountyQuestion`, and what values, places and the client raise."""

    def place() -> Position:
        named = position_of(client, at)
        if isinstance(named, str):  # the head
            return Position(bytes.fromhex(client.chain()["hash"][2:]), 0)
        return Position(bytes.fromhex(named["previous_hash"][2:]), named["index"])

    match kind, about:
        case QuestionKind.BALANCE_AT_LEAST, [account, units]:
            return BalanceAtLeast(parse_account(account), _units(units), place())
        case QuestionKind.TRANSACTION_SUCCEEDED, [transaction]:
            return TransactionSucceeded(_bytes("transaction", ArgumentKind.HASH, transaction))
        case QuestionKind.INCOME, [transaction, account]:
            return Income(_bytes("transaction", ArgumentKind.HASH, transaction), parse_account(account))
        case QuestionKind.STORAGE, [contract, slot]:
            return Storage(_contract(contract), _bytes("slot", ArgumentKind.BYTES, slot), place())
        case QuestionKind.VIEW, [contract, function, *given]:
            return View(_contract(contract), function, _arguments(client, contract, function, given), VIEW_GAS, place())
    raise InvalidBountyQuestion(f"{kind} is asked with {_WANTED[kind]}")


def _arguments(client: AccountantClient, contract: str, function: str, given: Sequence[str]) -> tuple[Argument, ...]:
    return ContractClient(client, contract).signatures.function(function).arguments(given)


def _contract(text: str) -> bytes:
    return _bytes("contract", ArgumentKind.CONTRACT, text)


def _units(text: str) -> int:
    units = argument_of("units", ArgumentKind.INT, text)
    assert isinstance(units, int)
    if units < 0:
        raise InvalidBountyQuestion(f"{units} base units: an amount is not negative")
    return units


def _bytes(name: str, kind: ArgumentKind, text: str) -> bytes:
    value = argument_of(name, kind, text)
    assert isinstance(value, bytes)
    return value
