"""What transactions and footprints look like to clients, kind by kind."""

import pytest

from accountant.api.views import EntryView, TransactionView
from accountant.chain.footprint import SIZE_OPEN, Blob, Bound, Call, Credit, Debit, Entry, Memory, Query, Read, Write
from accountant.chain.state import ChainState
from accountant.index.memory import MemoryIndex
from accountant.primitives.addresses import show
from accountant.primitives.cid import cid_of, show_cid
from accountant.primitives.types import Height, Seq
from tests.support.chains import ALICE, extend, genesis, publish

CONTRACT, CID = b"\xc0" * 32, cid_of(b"weights")
THERE = "0x" + CONTRACT.hex()


@pytest.mark.parametrize(
    ("entry", "shown"),
    [
        (Read(CONTRACT, b"a"), {"kind": "read", "contract": THERE, "slot": "0x61"}),
        (Write(CONTRACT, b""), {"kind": "write", "contract": THERE, "slot": "0x"}),
        (Credit(ALICE.address), {"kind": "credit", "account": show(ALICE.address)}),
        (Debit(CONTRACT, 5), {"kind": "debit", "contract": THERE, "cap": "5"}),
        (Call(CONTRACT), {"kind": "call", "contract": THERE}),
        (Bound(CONTRACT), {"kind": "bound", "account": THERE}),
        (Query(b"q"), {"kind": "query", "query": "0x71"}),
        (Blob(CID, 7), {"kind": "blob", "cid": show_cid(CID), "size": 7}),
        (Blob(CID, SIZE_OPEN), {"kind": "blob", "cid": show_cid(CID)}),
        (Memory(2**30), {"kind": "memory", "bytes": 2**30}),
    ],
)
def test_entries(entry: Entry, shown: dict[str, object]) -> None:
    """Each kind has its own fields, and no others."""
    assert EntryView.of(entry).model_dump(exclude_none=True) == shown


def test_a_publication() -> None:
    """It goes to nobody, carries nothing and declares nothing; what it publishes is in its bytes."""
    index, state = MemoryIndex(genesis()), ChainState.at_genesis(genesis())
    raw = publish(ALICE, 0, CID, 7)
    index.append(extend(state, [raw]))
    block = index.block(Height(1))
    assert block is not None
    shown = TransactionView.of(index.transaction(Seq(0)), block)
    assert (shown.kind, shown.to, shown.footprint, shown.raw) == ("publish", None, [], "0x" + raw.hex())
    assert (shown.zero_value, shown.general_value, shown.gas_limit) == ("0", "0", "0")
