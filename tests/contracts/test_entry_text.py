"""Footprint entries as text: what a failed outcome says was missing can be declared the next time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accountant.chain.footprint import (
    SIZE_OPEN,
    Blob,
    Bound,
    Call,
    Credit,
    Debit,
    Entry,
    Memory,
    Query,
    Read,
    Write,
)
from accountant.contracts.entry_text import cap_exceeded, entry_of, missing_entry, text_of, undeclared
from accountant.contracts.errors import FailureKind
from accountant.primitives.cid import cid_of, show_cid

CONTRACTS = st.binary(min_size=32, max_size=32)
ACCOUNTS = CONTRACTS | st.binary(min_size=20, max_size=20)
SLOTS = st.binary(max_size=128)
ENTRIES: st.SearchStrategy[Entry] = st.one_of(
    st.builds(Read, CONTRACTS, SLOTS),
    st.builds(Write, CONTRACTS, SLOTS),
    st.builds(Credit, ACCOUNTS),
    st.builds(Debit, CONTRACTS, st.integers(0, 2**63 - 1)),
    st.builds(Call, CONTRACTS),
    st.builds(Bound, ACCOUNTS),
    st.builds(Query, st.binary(min_size=1, max_size=1024)),
    st.builds(Blob, st.binary(max_size=9).map(cid_of), st.just(SIZE_OPEN)),
    st.builds(Memory, st.integers(1, 2**63 - 1)),
)
USER, VAULT = b"\x0a" * 20, b"\xc0" * 32


@given(ENTRIES)
def test_text_and_back(entry: Entry) -> None:
    """Every entry that a footprint may hold comes back from its text."""
    assert entry_of(text_of(entry)) == entry


@given(ENTRIES)
def test_undeclared_access_tells_the_entry(entry: Entry) -> None:
    """The failure of touching an undeclared entry names exactly that entry."""
    failure = undeclared(entry)
    assert missing_entry(failure.kind, failure.detail) == entry


def test_exceeded_cap_tells_the_cap_that_was_needed() -> None:
    """An exceeded cap names the entry that would have been enough, and what was declared."""
    failure = cap_exceeded(Debit(VAULT, 120), 100)
    assert failure.detail == f"debit 0x{VAULT.hex()} cap 120: 100 is declared"
    assert missing_entry(failure.kind, failure.detail) == Debit(VAULT, 120)


def test_a_missing_blob_is_told_by_its_name() -> None:
    """Who loads an undeclared blob knows its CID and not its size, which a wallet fills in."""
    cid = cid_of(b"weights")
    failure = undeclared(Blob(cid, SIZE_OPEN))
    assert failure.detail == f"blob {show_cid(cid)}"
    assert missing_entry(failure.kind, failure.detail) == Blob(cid, SIZE_OPEN)
    assert text_of(Blob(cid, 7)) == failure.detail


def test_other_failures_miss_no_entry() -> None:
    """A contract that writes an entry's text into its own reason of failure says nothing of the footprint."""
    assert missing_entry(FailureKind.ASSERTION, text_of(Call(VAULT))) is None
    assert missing_entry(None, "") is None


@pytest.mark.parametrize(
    "entry", [Query(bytes(1025)), Query(b""), Debit(VAULT, 2**63), Debit(VAULT, 10**30), Read(VAULT, bytes(129))]
)
def test_what_nobody_can_declare(entry: Entry) -> None:
    """A touch that no footprint may hold has a text of bounded length that cannot be read as an entry."""
    assert len(text_of(entry)) < 512
    assert entry_of(text_of(entry)) is None


@pytest.mark.parametrize(
    "text",
    [
        *("", "read", "read 0x", f"read 0x{VAULT.hex()}", f"read 0x{VAULT.hex()} cap 1", f"call 0x{USER.hex()}"),
        *(f"debit 0x{VAULT.hex()}", f"debit 0x{VAULT.hex()} cap 01", f"debit 0x{VAULT.hex()} cap -1", "credit 0x00"),
        *(f"read 0x{VAULT.hex()} slot 0x0", f"call 0x{VAULT.hex()}\n", f"call 0x{VAULT.hex()} ", "query 0x"),
        *("blob ", "blob 0x00", "blob bafkrei", f"blob {show_cid(cid_of(b''))} ", f"blob {show_cid(cid_of(b''))[:-1]}"),
        *("memory", "memory 0", "memory -1", "memory 05", "memory 9223372036854775808", "memory 1\n"),
        *("credit 0x7e5F4552091A69125d5DfCb7b8C2659029395Bdf", f"load 0x{VAULT.hex()}"),
    ],
)
def test_what_is_no_entry(text: str) -> None:
    """Other text is no entry: it is never taken for something near it."""
    assert entry_of(text) is None
