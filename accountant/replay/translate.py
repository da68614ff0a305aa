"""One recorded block as signed transactions of the chain (docs/recorded.md says what becomes what).

Plain transfers stay transfers; contract calls become calls of the block's replay contract, whose
footprint declares exactly what the recording touched, and on request more.
"""

from collections import Counter
from functools import partial
from typing import NamedTuple

from msgspec import structs

from accountant.chain.fees import fee_of
from accountant.chain.footprint import Credit, Debit, Entry, Read, Write, canonical_footprint
from accountant.chain.genesis import FeeSchedule, GasSchedule, GenesisAccount, GenesisContract, Limits
from accountant.chain.transaction import VERSION, Transaction, TransactionKind, sign_transaction
from accountant.primitives.encoding import encode
from accountant.primitives.errors import AccountantError
from accountant.primitives.keys import SIGNATURE_BYTES, PrivateKey
from accountant.replay.contract import Replay, gas_limit_of, payload_of, replay_contract
from accountant.replay.ledger import Ledger, Made, payouts_of
from accountant.replay.names import contract_of, key_of, recorded_id, slot_of, user_of
from accountant.replay.overdeclare import declared_in_vain, hottest_slots
from accountant.replay.recording import RecordedBlock

CHAIN_ID = 1_559
GAS_PRICE = 1
PROPOSER = PrivateKey.from_seed(b"anh/recorded/proposer")
"""Deploys the replay contracts, and signs recorded blocks unless another key is given. It protects nothing."""


class RecordingTooLarge(AccountantError):
    """A recording that is well formed and does not fit the chain's limits."""

    code = "recording_too_large"


class RecordOptions(NamedTuple):
    """What the recording itself does not say."""

    chain_id: int = CHAIN_ID
    overdeclare: int = 0
    """How many more hot slots each call declares for reading and never touches."""
    overdeclare_writes: int = 0
    """The same for writing."""
    fees: FeeSchedule = FeeSchedule()
    gas: GasSchedule = GasSchedule()
    limits: Limits = Limits()


DEFAULTS = RecordOptions()


class RecordedPart(NamedTuple):
    """One recorded block, ready for a chain."""

    accounts: tuple[GenesisAccount, ...]
    contract: GenesisContract
    transactions: tuple[bytes, ...]
    """Signed, in the recorded order."""
    topped_up: int
    """How many senders needed more than they had."""
    top_up_units: int
    """What was minted for them."""


def record_block(block: RecordedBlock, options: RecordOptions = DEFAULTS) -> RecordedPart:
    """One recorded block as accounts, its replay contract, and signed transactions. Raises `RecordingTooLarge`."""
    ledger = Ledger(block)
    hottest = hottest_slots(block)
    signed = []
    caps = 0
    for index, recorded in enumerate(block.transactions):
        draft = _draft(block, index, hottest, ledger.next_nonce(recorded.sender), options)
        transaction = ledger.fund(recorded, partial(_funded, options, draft))
        signed.append(sign_transaction(transaction, key_of(block.block, recorded.sender)))
        caps += sum(entry.cap for entry in transaction.footprint if isinstance(entry, Debit))
    contract = GenesisContract(
        contract=contract_of(block.block),
        deployer=PROPOSER.address,
        code=replay_contract().code,
        envelope=replay_contract().envelope,
        general_balance=caps + 1,
    )
    return RecordedPart(
        accounts=_accounts(block.block, ledger),
        contract=contract,
        transactions=tuple(signed),
        topped_up=len(ledger.top_ups),
        top_up_units=ledger.top_ups.total(),
    )


def _draft(block: RecordedBlock, index: int, hottest: list[str], nonce: int, options: RecordOptions) -> Transaction:
    """A recorded transaction, still without its value and the gas for checking that G covers it."""
    recorded = block.transactions[index]
    blank = Transaction(
        version=VERSION,
        chain_id=options.chain_id,
        nonce=nonce,
        kind=TransactionKind.TRANSFER,
        to=contract_of(block.block) if recorded.contract_call else user_of(block.block, recorded.to),
        zero_value=0,
        general_value=0,
        gas_limit=0,
        gas_price=GAS_PRICE,
        tip=0,
        payload=b"",
        footprint=(),
        signature=bytes(SIGNATURE_BYTES),
    )
    if not recorded.contract_call:
        return blank
    replay = _replay(block, index)
    footprint = _footprint(block, index, replay, hottest, options)
    if len(footprint) > options.limits.footprint_entries_most:
        raise RecordingTooLarge(
            f"block {block.block}, transaction {index}: a footprint of {len(footprint)} entries, "
            f"at most {options.limits.footprint_entries_most} are allowed"
        )
    return structs.replace(
        blank,
        kind=TransactionKind.CALL,
        gas_limit=gas_limit_of(replay, options.gas),
        payload=payload_of(replay),
        footprint=footprint,
    )


def _funded(options: RecordOptions, draft: Transaction, zero_value: int, general_value: int) -> Made:
    check = options.gas.general_check if general_value else 0
    transaction = structs.replace(
        draft, zero_value=zero_value, general_value=general_value, gas_limit=draft.gas_limit + check
    )
    return transaction, fee_of(transaction, len(encode(transaction)), options.fees)


def _replay(block: RecordedBlock, index: int) -> Replay:
    """What the call does. A slot stored to without a change must be read, to be written back as it was."""
    recorded = block.transactions[index]
    kept = [slot for slot in recorded.writes if slot not in set(recorded.changed)]
    reads = dict.fromkeys((*recorded.reads, *kept))
    payouts = payouts_of(recorded, block.coinbase).items() if recorded.succeeded else ()
    return Replay(
        recorded_id=recorded_id(block.block, index),
        gas=recorded.gas_used,
        reads=tuple(slot_of(block.block, slot) for slot in reads),
        kept=tuple(slot_of(block.block, slot) for slot in kept),
        changed=tuple(slot_of(block.block, slot) for slot in recorded.changed),
        payouts=tuple((user_of(block.block, account), units) for account, units in payouts),
        fails=not recorded.succeeded,
    )


def _footprint(
    block: RecordedBlock, index: int, replay: Replay, hottest: list[str], options: RecordOptions
) -> tuple[Entry, ...]:
    contract = contract_of(block.block)
    more_reads = declared_in_vain(block, index, hottest, options.overdeclare)
    more_writes = declared_in_vain(block, index, hottest, options.overdeclare_writes)
    entries: list[Entry] = [Read(contract, slot) for slot in replay.reads]
    entries += [Read(contract, slot_of(block.block, slot)) for slot in more_reads]
    entries += [Write(contract, slot) for slot in (*replay.kept, *replay.changed)]
    entries += [Write(contract, slot_of(block.block, slot)) for slot in more_writes]
    entries += [Credit(account) for account, _ in replay.payouts]
    if replay.payouts:
        entries.append(Debit(contract, sum(units for _, units in replay.payouts)))
    return canonical_footprint(entries)


def _accounts(block: int, ledger: Ledger) -> tuple[GenesisAccount, ...]:
    """What each account has in genesis: its recorded balance and its top-up."""
    units = Counter(ledger.allocations) + ledger.top_ups
    return tuple(GenesisAccount(user_of(block, account), amount) for account, amount in units.items() if amount)
