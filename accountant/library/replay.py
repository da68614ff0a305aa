"""The replay contract: does again to the state what a recorded Ethereum call did to it."""

from accountant.language import (
    Address,
    Hash,
    Map,
    credits,
    debits,
    direct,
    export,
    pay,
    payable,
    reads,
    sha256,
    touches,
    writes,
)

SLOT = 32
ACCOUNT = 20
AMOUNT = 8
ENTRIES_MOST = 2**31
CAP_MOST = 2**63 - 1

slots: Map[Hash, bytes]


@export
@direct
@payable
@touches(reads(slots, ENTRIES_MOST), writes(slots, ENTRIES_MOST), debits(CAP_MOST), credits(ENTRIES_MOST))
def replay(
    recorded: Hash, gas: int, read: bytes, kept: int, changed: bytes, payees: bytes, amounts: bytes, fails: bool
) -> None:
    """Reads, burns, writes and pays as the recorded transaction did, in this order.

    `recorded` is no other transaction's; `gas` is what it used; of the slots read, 32 bytes each, the first `kept`
    were stored to without a change; `changed` were stored to; payees have 20 bytes each and amounts 8. A call that
    failed reads and burns.
    """
    digest = read_all(sha256(recorded), read)
    burn(gas)
    assert not fails, "the recorded call failed"
    for at in range(0, kept * SLOT, SLOT):
        slot = Hash(read[at : at + SLOT])
        slots[slot] = slots[slot]
    for at in range(0, len(changed), SLOT):
        slots[Hash(changed[at : at + SLOT])] = digest
    for payout in range(len(amounts) // AMOUNT):
        payee = Address(payees[payout * ACCOUNT : payout * ACCOUNT + ACCOUNT])
        pay(payee, int.from_bytes(amounts[payout * AMOUNT : payout * AMOUNT + AMOUNT], "big"))


def read_all(seed: Hash, read: bytes) -> Hash:
    """A digest of digests: two sets of values that differ only in which slot is empty differ here."""
    digest = seed
    for at in range(0, len(read), SLOT):
        digest = sha256(digest + slots[Hash(read[at : at + SLOT])])
    return digest


def burn(gas: int) -> None:
    """One turn of the loop, which is ten instructions, for each two units of recorded gas."""
    for _ in range(gas // 2):
        pass
