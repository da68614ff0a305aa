"""Windows: a question looks at an account's latest postings, and a no costs no more than a yes."""

from collections.abc import Sequence
from itertools import count
from unittest.mock import patch

import pytest

from accountant.chain.footprint import Credit, Debit
from accountant.chain.genesis import GasSchedule, Genesis, GenesisContract
from accountant.chain.transaction import CallPayload, Transaction, TransactionKind
from accountant.contracts.engine import ENGINE
from accountant.execution import narrowing
from accountant.execution.eager import execute_everything
from accountant.execution.memory import MemoryOutcomes
from accountant.execution.selective import Selective
from accountant.execution.session import WINDOW, Session
from accountant.index.memory import MemoryIndex
from accountant.index.posting import Posting
from accountant.primitives.encoding import encode
from accountant.primitives.types import AccountId, Address, ContractId, Seq
from tests.support.random_chain import CONTRACTS, USERS, Program, footprint_of, script_code, script_envelope

RICH, POOR, OTHER = CONTRACTS
ANN, BEN, EVE = USERS[:3]
_nonces = count()


class CountingIndex(MemoryIndex):
    """Counts the postings that were looked at."""

    looked = 0

    def postings(self, account: AccountId, since: Seq, before: Seq, limit: int) -> list[Posting]:
        found = super().postings(account, since, before, limit)
        self.looked += len(found)
        return found


def _index() -> CountingIndex:
    contracts = tuple(
        GenesisContract(contract, EVE, script_code(), script_envelope(False), balance)
        for contract, balance in ((RICH, 10**9), (POOR, 0), (OTHER, 50))
    )
    return CountingIndex(Genesis(7, 0, ENGINE, (EVE,), (), contracts, gas=GasSchedule(general_check=3)))


def _call(program: Program, contract: ContractId = RICH, gas: int = 2_000_000) -> tuple[Address, Transaction]:
    payload, footprint = encode(CallPayload("run", (program.code,))), footprint_of(program.entries)
    kind = TransactionKind.CALL
    return EVE, Transaction(1, 7, next(_nonces), kind, contract, 0, 0, gas, 0, 0, payload, footprint, bytes(65))


def _pay(payer: ContractId, account: AccountId, units: int, gas: int = 2_000_000) -> tuple[Address, Transaction]:
    program = Program()
    program.pay(payer, account, units)
    return _call(program, payer, gas)


def _transfer(sender: Address, to: AccountId, units: int) -> tuple[Address, Transaction]:
    kind = TransactionKind.TRANSFER
    return sender, Transaction(1, 7, next(_nonces), kind, to, 0, units, 3, 0, 0, b"", (), bytes(65))


def _asked(index: CountingIndex, amount: int, account: AccountId = ANN) -> tuple[bool, Session]:
    session = Session(index, MemoryOutcomes())
    index.looked = 0
    return Selective(session).covers(account, amount, index.head().next_seq), session


@pytest.mark.parametrize("length", [200, 20_000])
def test_a_hot_account_costs_no_more_than_its_latest_postings(length: int) -> None:
    """A cold question executes one income of an account with 200 or with 20,000, and looks at a window of them."""
    index = _index()
    index.append_unsigned([_pay(RICH, ANN, 5, 30_000) for _ in range(length)])
    covered, session = _asked(index, 5)
    assert covered
    assert session.executed == [length - 1]
    assert index.looked <= 2 * (WINDOW + 1)


@pytest.mark.parametrize("length", [200, 1_000])
def test_a_window_grows_until_it_can_decide(length: int) -> None:
    """Who asks for a hundred incomes' worth makes a hundred be executed, and a few hundred be looked at."""
    index = _index()
    index.append_unsigned([_pay(RICH, ANN, 5, 30_000) for _ in range(length)])
    covered, session = _asked(index, 500)
    assert covered
    assert session.executed == list(range(length - 1, length - 101, -1))
    assert index.looked <= 600


def test_a_payer_that_never_had_the_money_is_rejected_without_executing_anything() -> None:
    """A no is one look-up: the income that Ann is promised can be paid by nobody."""
    index = _index()
    index.append_unsigned([_pay(POOR, ANN, 1_000), _pay(OTHER, ANN, 49), _transfer(BEN, ANN, 70)])
    covered, session = _asked(index, 50)
    assert not covered
    assert session.resolved == [] and session.gas_executed == 0
    payment = _transfer(ANN, BEN, 50)
    index.append_unsigned([payment, _transfer(BEN, EVE, 50)])
    session = Session(index, MemoryOutcomes())
    outcome = Selective(session).outcome(Seq(4))
    assert not outcome.funded and session.resolved == [4]
    assert outcome == execute_everything(index).outcomes[4]


def test_phantom_caps_make_no_question_dearer() -> None:
    """A thousand phantom caps of 2^62 on poor contracts stand in nobody's window: yes and no cost what they cost."""
    index = _index()
    index.append_unsigned([_pay(RICH, ANN, 5)])
    phantom = Program()
    phantom.entries += [Debit(POOR, 2**62), Credit(ANN)]
    index.append_unsigned([_call(phantom) for _ in range(1_000)])
    covered, session = _asked(index, 5)
    assert covered and session.executed == [0] and index.looked <= 3
    covered, session = _asked(index, 6)
    assert not covered and session.executed == []


def test_phantom_caps_on_a_rich_contract_are_looked_past() -> None:
    """Where the payer could pay 2^29, the cheap income is still found behind dear phantoms, and nothing else runs."""
    index = _index()
    index.append_unsigned([_pay(RICH, ANN, 5, 30_000)])
    phantom = Program()
    phantom.entries += [Debit(RICH, 2**29), Credit(ANN)]
    index.append_unsigned([_call(phantom, gas=100_000_000) for _ in range(200)])
    covered, session = _asked(index, 5)
    assert covered and session.executed == [0]


def test_the_cheapest_income_is_executed() -> None:
    """Of incomes that are worth the same, the one that is cheapest to show; general money counts fourfold."""
    index = _index()
    index.append_unsigned(
        [
            _pay(RICH, ANN, 9, 160_000),
            _pay(RICH, ANN, 9, 130_000),
            _pay(RICH, BEN, 9, 25_000),
            _transfer(BEN, ANN, 9),
            _pay(RICH, ANN, 9, 190_000),
        ]
    )
    covered, session = _asked(index, 9)
    assert covered and session.executed == [2]


def test_an_upper_bound_comes_down_by_the_credit_that_matters() -> None:
    """A large promise that was not kept is checked first, and then it is a no: small incomes cannot make it a yes."""
    index = _index()
    broken = Program()
    broken.entries += [Debit(RICH, 1_000), Credit(ANN)]
    index.append_unsigned([*(_pay(RICH, ANN, 1) for _ in range(20)), _call(broken)])
    covered, session = _asked(index, 500)
    assert not covered and session.executed == [20]


@pytest.mark.parametrize("looks_at", [1, 10_000])
def test_looking_further_back_is_bought_while_it_is_cheaper(looks_at: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A dear income in the window is worth a look at as many postings as its gas buys."""
    monkeypatch.setattr(narrowing, "GAS_PER_POSTING", looks_at)
    index = _index()
    index.append_unsigned([_pay(RICH, ANN, 5, 30_000), *(_pay(RICH, ANN, 5, 2_000_000) for _ in range(100))])
    covered, session = _asked(index, 5)
    assert covered
    assert session.executed == [0]


def _doubtful(length: int) -> tuple[CountingIndex, Sequence[int]]:
    """Ann may have had much, in fact had little, and pays on and on."""
    index = _index()
    promise = Program()
    promise.pay(RICH, ANN, 30)
    promise.entries.append(Debit(RICH, 10**8))
    payments = [1 + number % 3 for number in range(length)]
    index.append_unsigned([_call(promise), *(_transfer(ANN, BEN, units) for units in payments)])
    return index, payments


def test_doubtful_payments_are_walked_in_about_their_number() -> None:
    """Whether the 2,000th doubtful payment of one account was funded: one execution, and no quadratic walk."""
    index, payments = _doubtful(2_000)
    session = Session(index, MemoryOutcomes())
    with patch.object(Session, "walk", autospec=True, side_effect=Session.walk) as walks:
        assert not Selective(session).outcome(Seq(2_000)).funded
    assert session.executed == [0]
    assert index.looked <= 20 * len(payments)
    assert walks.call_count <= 4 * len(payments)


def test_contracts_that_pay_each_other_are_exact_when_all_is_known() -> None:
    """Money that two contracts hand to and fro: every balance is what executing everything says."""
    index = _index()
    transactions = []
    for number in range(30):
        payer, payee = ((RICH, POOR), (POOR, OTHER), (OTHER, RICH))[number % 3]
        transactions.append(_pay(payer, payee, 3 + number % 5, 30_000))
    index.append_unsigned(transactions)
    eager = execute_everything(index)
    for before in range(31):
        for contract in CONTRACTS:
            truth = eager.general_before(contract, Seq(before))
            selective = Selective(Session(index, MemoryOutcomes()))
            assert selective.covers(contract, truth, Seq(before))
            assert not selective.covers(contract, truth + 1, Seq(before))
