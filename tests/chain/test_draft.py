"""Transactions in the making: of several sources the best one counts, and margins end where envelopes do."""

import pytest

from accountant.chain.draft import DraftEntry, contracts_of, merged, renamed, widened
from accountant.chain.footprint import Bound, Call, Credit, Debit, Entry, Query, Read, Write
from accountant.chain.state import ChainState
from accountant.primitives.types import ContractId
from tests.support.till import TILL, till_genesis

OLD, NEW, OTHER = b"o" * 32, b"n" * 32, b"x" * 32
TEMPLATE, FAILED, SIMULATION = range(3)


def test_each_entry_once_from_its_best_source() -> None:
    """What the template gives is no guess, however often it was touched; of marks the first counts."""
    read = Read(OLD, b"s")
    drafts = [DraftEntry(read, SIMULATION, 3), DraftEntry(read, TEMPLATE, 0), DraftEntry(read, FAILED, 0)]
    assert merged(drafts) == [DraftEntry(read, TEMPLATE, 0)]
    assert merged([DraftEntry(read, SIMULATION, 3), DraftEntry(read, SIMULATION, 1)]) == [
        DraftEntry(read, SIMULATION, 1)
    ]


def test_of_two_caps_the_larger() -> None:
    """A contract has one cap, the largest that any source asks for, and the source is that one's."""
    small, large = DraftEntry(Debit(OLD, 5), TEMPLATE, 0), DraftEntry(Debit(OLD, 9), SIMULATION, 2)
    assert merged([small, large]) == merged([large, small]) == [large]
    assert merged([small, DraftEntry(Debit(OLD, 4), SIMULATION, 2)]) == [small]


@pytest.mark.parametrize(
    ("cap", "template", "widest"),
    [
        (80, 0, 90),
        (960, 0, 1_000),
        (5_000, 0, 5_000),
        (5_000, 5_100, 5_100),
        (2**63 - 1, 2**63 - 1, 2**63 - 1),
        (0, 0, 0),
    ],
)
def test_margins_of_caps(cap: int, template: int, widest: int) -> None:
    """A guessed cap rises by an eighth, no further than the envelope admits, and never falls."""
    state = ChainState.at_genesis(till_genesis())
    assert widened(Debit(TILL, cap), {TILL: template}, state) == Debit(TILL, widest)


def test_a_contract_that_nobody_deployed_has_no_margin() -> None:
    """Without an envelope nothing is admitted beyond what was touched."""
    state = ChainState.at_genesis(till_genesis())
    assert widened(Debit(OTHER, 800), {}, state) == Debit(OTHER, 800)


def test_a_deployment_made_again_has_another_id() -> None:
    """Entries on the contract's old id are moved to its new one; all others stay."""
    moved: list[tuple[Entry, Entry]] = [
        (Read(OLD, b"s"), Read(NEW, b"s")),
        (Write(OLD, b"s"), Write(NEW, b"s")),
        (Credit(OLD), Credit(NEW)),
        (Bound(OLD), Bound(NEW)),
        (Debit(OLD, 7), Debit(NEW, 7)),
        (Call(OLD), Call(NEW)),
    ]
    assert [renamed(entry, OLD, NEW) for entry, _ in moved] == [there for _, there in moved]
    others: list[Entry] = [Read(OTHER, b"s"), Credit(b"u" * 20), Debit(OTHER, 1), Call(OTHER), Query(OLD)]
    assert [renamed(entry, OLD, NEW) for entry in others] == others


def test_whose_envelopes_admit_entries() -> None:
    """Reads, writes, debits and calls are on contracts; credits, bounds and queries need no envelope."""
    entries: list[Entry] = [Read(OLD, b""), Write(NEW, b""), Debit(OTHER, 1), Credit(TILL), Bound(TILL), Query(TILL)]
    assert contracts_of(entries) == {ContractId(OLD), ContractId(NEW), ContractId(OTHER)}
