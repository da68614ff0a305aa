"""What clients get of the chain: blocks and transactions. Hashes and bytes are hex, amounts decimal strings."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from accountant.api.fields import AccountOut, AmountOut, CidOut, GasOut, HashOut, HexOut, account_of, hex_of
from accountant.chain.footprint import SIZE_OPEN, Blob, Bound, Call, Credit, Debit, Entry, Memory, Query, Read
from accountant.chain.transaction import TransactionKind
from accountant.index.port import BlockInfo, Head, Located
from accountant.primitives.cid import show_cid
from accountant.primitives.encoding import encode
from accountant.primitives.types import Cid


class ChainView(BaseModel):
    """The end of the chain that the accountant has imported."""

    chain_id: int
    genesis_hash: HashOut
    height: int = Field(examples=[42])
    hash: HashOut
    transactions: int = Field(description="Transactions on the chain.", examples=[1234])

    @classmethod
    def of(cls, head: Head, chain_id: int, genesis_hash: bytes) -> "ChainView":
        """The view of a head."""
        return cls(
            chain_id=chain_id,
            genesis_hash=hex_of(genesis_hash),
            height=head.height,
            hash=hex_of(head.hash),
            transactions=head.next_seq,
        )


class BlockView(BaseModel):
    """A block: ordered, paid for, not executed."""

    height: int = Field(examples=[42])
    hash: HashOut
    previous_hash: HashOut
    time: int = Field(description="Unix seconds.", examples=[1767225600])
    proposer: AccountOut
    first_seq: int = Field(description="The dense number of its first transaction.")
    transactions: list[HashOut]

    @classmethod
    def of(cls, block: BlockInfo, transactions: list[Located]) -> "BlockView":
        """The view of a block."""
        return cls(
            height=block.height,
            hash=hex_of(block.hash),
            previous_hash=hex_of(block.previous_hash),
            time=block.time,
            proposer=account_of(block.proposer),
            first_seq=block.first_seq,
            transactions=[hex_of(t.hash) for t in transactions],
        )


class EntryView(BaseModel):
    """One footprint entry. Which fields it has depends on its kind."""

    kind: Literal["read", "write", "credit", "debit", "call", "bound", "query", "blob", "memory"]
    contract: AccountOut | None = None
    account: AccountOut | None = None
    slot: HexOut | None = None
    cap: AmountOut | None = None
    query: HexOut | None = None
    cid: Annotated[CidOut | None, Field(description="Of a blob entry, as IPFS shows it.")] = None
    size: Annotated[int | None, Field(description="Bytes of a blob; null where nobody has looked it up.")] = None
    bytes: Annotated[int | None, Field(description="The most bytes of tensors held at once.")] = None

    @classmethod
    def of(cls, entry: Entry) -> "EntryView":
        """The view of an entry."""
        match entry:
            case Credit() | Bound():
                kind: Literal["credit", "bound"] = "credit" if isinstance(entry, Credit) else "bound"
                return cls(kind=kind, account=account_of(entry.account))
            case Debit():
                return cls(kind="debit", contract=hex_of(entry.contract), cap=str(entry.cap))
            case Call():
                return cls(kind="call", contract=hex_of(entry.contract))
            case Query():
                return cls(kind="query", query=hex_of(entry.query))
            case Blob(cid, size):
                return cls(kind="blob", cid=show_cid(Cid(cid)), size=None if size == SIZE_OPEN else size)
            case Memory():
                return cls(kind="memory", bytes=entry.bytes)
            case _:
                access: Literal["read", "write"] = "read" if isinstance(entry, Read) else "write"
                return cls(kind=access, contract=hex_of(entry.contract), slot=hex_of(entry.slot))


class TransactionView(BaseModel):
    """A transaction on the chain and where it stands. What it did is known to whoever executes it."""

    hash: HashOut
    seq: int
    height: int
    index: int
    block_hash: HashOut
    sender: AccountOut
    kind: Literal["transfer", "call", "deploy", "publish"]
    to: Annotated[AccountOut | None, Field(description="None for a deployment and a publication.")]
    nonce: int
    zero_value: AmountOut
    general_value: AmountOut
    gas_limit: GasOut
    gas_price: AmountOut
    tip: AmountOut
    footprint: list[EntryView]
    raw: Annotated[HexOut, Field(description="Its canonical bytes, signature included.")]

    @classmethod
    def of(cls, located: Located, block: BlockInfo) -> "TransactionView":
        """The view of a transaction."""
        transaction = located.transaction
        names: dict[TransactionKind, Literal["transfer", "call", "deploy", "publish"]] = {
            TransactionKind.TRANSFER: "transfer",
            TransactionKind.CALL: "call",
            TransactionKind.DEPLOY: "deploy",
            TransactionKind.PUBLISH: "publish",
        }
        return cls(
            hash=hex_of(located.hash),
            seq=located.seq,
            height=located.height,
            index=located.index,
            block_hash=hex_of(block.hash),
            sender=account_of(located.sender),
            kind=names[transaction.kind],
            to=account_of(transaction.to) if transaction.to else None,
            nonce=transaction.nonce,
            zero_value=str(transaction.zero_value),
            general_value=str(transaction.general_value),
            gas_limit=str(transaction.gas_limit),
            gas_price=str(transaction.gas_price),
            tip=str(transaction.tip),
            footprint=[EntryView.of(entry) for entry in transaction.footprint],
            raw=hex_of(encode(transaction)),
        )
