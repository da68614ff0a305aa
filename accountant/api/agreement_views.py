"""Agreement on the wire: where an accountant stands, digests of its outcomes, and one outcome in short."""

import base64
import binascii
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from accountant.accounting.agreement import PARTS_MOST, SPAN_MOST, RangeDigests, Summary
from accountant.accounting.numbers import Numbers, unpacked
from accountant.api.fields import GasOut, HashOut, hex_of
from accountant.execution.outcome import Outcome
from accountant.index.port import Located
from accountant.primitives.types import AMOUNT_MAX, Seq

_PACKED_MOST = 200_000
"""Characters of the numbers of one range: what a million random bits take."""

_NUMBERS = "Bit n − first for each number n, lowest bit of each byte first; compressed with zlib, then base64."


class AgreementView(BaseModel):
    """Where the accountant stands right after a block."""

    genesis_hash: HashOut
    height: int
    block_hash: HashOut
    transactions: Annotated[int, Field(description="On the chain up to this height.")]
    observed: Annotated[
        int, Field(description="Outcomes stored of those. Transfers of zero-cost money need none and are not counted.")
    ]
    covered_height: Annotated[
        int, Field(description="Up to this block every outcome is observed, as far as the running hash was extended.")
    ]
    running_hash: Annotated[HashOut | None, Field(description="At this height; null where it is not covered.")]

    @classmethod
    def of(cls, summary: Summary) -> "AgreementView":
        """The view of a summary."""
        return cls(
            genesis_hash=hex_of(summary.genesis_hash),
            height=summary.height,
            block_hash=hex_of(summary.block_hash),
            transactions=summary.transactions,
            observed=summary.observed,
            covered_height=summary.covered,
            running_hash=None if summary.running_hash is None else hex_of(summary.running_hash),
        )


class DigestsIn(BaseModel):
    """A range of transaction numbers, in how many parts to digest it, and which numbers count."""

    model_config = ConfigDict(extra="forbid", strict=True)

    first: int = Field(ge=0, le=AMOUNT_MAX - SPAN_MOST)
    span: int = Field(ge=1, le=SPAN_MOST, description="How many numbers the range has.")
    parts: int = Field(ge=0, le=PARTS_MOST, description="0: only which of them are observed.")
    among: Annotated[str | None, Field(max_length=_PACKED_MOST, description=_NUMBERS)] = None

    def numbers(self) -> Numbers | None:
        """The numbers that count. Raises `InvalidEncoding`."""
        if self.among is None:
            return None
        try:
            raw = base64.b64decode(self.among, validate=True)
        except (binascii.Error, ValueError):
            raw = b""
        return unpacked(raw, Seq(self.first), self.span)


class DigestsView(BaseModel):
    """Digests of stored outcomes."""

    observed: Annotated[str, Field(description="Which of the numbers that count are observed. " + _NUMBERS)]
    digests: Annotated[
        list[HashOut],
        Field(
            description="Of each part: SHA-256 over number (8 bytes) and digest of its observed outcomes, in order. "
            "All parts have ⌈span / parts⌉ numbers, the last ones fewer."
        ),
    ]

    @classmethod
    def of(cls, found: RangeDigests) -> "DigestsView":
        """The view of digests."""
        packed = base64.b64encode(found.observed.packed()).decode()
        return cls(observed=packed, digests=[hex_of(digest) for digest in found.digests])


class StoredOutcomeView(BaseModel):
    """A stored outcome in short."""

    seq: int
    transaction: HashOut
    digest: Annotated[HashOut, Field(description="SHA-256 of the outcome's canonical bytes.")]
    failure: Annotated[str | None, Field(description="The kind of the failure.", examples=["assertion"])]
    gas_used: GasOut
    writes: Annotated[int, Field(description="Slots written.")]
    credits: Annotated[int, Field(description="General balances that something arrived in.")]
    debits: Annotated[int, Field(description="Contracts that paid out.")]
    logs: int

    @classmethod
    def of(cls, located: Located, digest: bytes, outcome: Outcome) -> "StoredOutcomeView":
        """The view of an outcome."""
        return cls(
            seq=located.seq,
            transaction=hex_of(located.hash),
            digest=hex_of(digest),
            failure=None if outcome.failure is None else outcome.failure.value,
            gas_used=str(outcome.gas_used),
            writes=len(outcome.writes),
            credits=len(outcome.credits),
            debits=len(outcome.debits),
            logs=len(outcome.logs),
        )
