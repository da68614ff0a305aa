"""Why the chain refuses something. Every refusal has a stable name; the detail says what would be right."""

from enum import StrEnum

from accountant.primitives.errors import AccountantError
from accountant.primitives.types import Hash


class Refusal(StrEnum):
    """Why no block takes a transaction."""

    ENCODING = "encoding"
    SIGNATURE = "signature"
    VERSION = "version"
    CHAIN_ID = "chain_id"
    NONCE = "nonce"
    AMOUNT = "amount"
    AMOUNT_SUM = "amount_sum"
    FEE_TOO_LARGE = "fee_too_large"
    RECIPIENT = "recipient"
    TRANSFER_PAYLOAD = "transfer_payload"
    TRANSFER_FOOTPRINT = "transfer_footprint"
    GAS_PRICE = "gas_price"
    GAS_LIMIT = "gas_limit"
    GAS_BELOW_INTRINSIC = "gas_below_intrinsic"
    FOOTPRINT_SIZE = "footprint_size"
    FOOTPRINT_ORDER = "footprint_order"
    FOOTPRINT_ENTRY = "footprint_entry"
    PAYLOAD = "payload"
    UNKNOWN_CONTRACT = "unknown_contract"
    UNKNOWN_FUNCTION = "unknown_function"
    CONSTRUCTOR = "constructor"
    ARGUMENTS = "arguments"
    CALLER = "caller"
    NOT_PAYABLE = "not_payable"
    ZERO_COST = "zero_cost"
    FUNCTION_GAS = "function_gas"
    TEMPLATE = "template"
    NOT_ADMITTED = "not_admitted"
    MODULE = "module"
    ENVELOPE = "envelope"
    CONTRACT_EXISTS = "contract_exists"
    PUBLICATION = "publication"
    ALREADY_PUBLISHED = "already_published"
    UNPUBLISHED = "unpublished"
    BLOB_SIZE = "blob_size"
    UNPAID = "unpaid"


class InvalidTransaction(AccountantError):
    """A transaction that no block takes. `kind` is stable and machine readable."""

    code = "invalid_transaction"

    def __init__(self, kind: Refusal, detail: str) -> None:
        super().__init__(f"{kind}: {detail}")
        self.kind = kind


class BlockRefusal(StrEnum):
    """Why a block is refused."""

    SIZE = "size"
    ENCODING = "encoding"
    VERSION = "version"
    CHAIN_ID = "chain_id"
    HEIGHT = "height"
    KNOWN = "known"
    PREVIOUS_HASH = "previous_hash"
    TIME = "time"
    PROPOSER = "proposer"
    SIGNATURE = "signature"
    TRANSACTION_COUNT = "transaction_count"
    TRANSACTION_ROOT = "transaction_root"
    FOOTPRINT_ROOT = "footprint_root"
    TRANSACTION = "transaction"


class InvalidBlock(AccountantError):
    """A block that does not extend the chain. `kind` is stable and machine readable.

    With kind TRANSACTION, `index` is the place of the transaction at fault and `cause` its own refusal.
    """

    code = "invalid_block"

    def __init__(
        self, kind: BlockRefusal, detail: str, index: int | None = None, cause: InvalidTransaction | None = None
    ) -> None:
        super().__init__(f"{kind}: {detail}")
        self.kind = kind
        self.index = index
        self.cause = cause


class ConflictingBlock(AccountantError):
    """A second block, signed by the right proposer, at a height that the chain already has.

    It is evidence against its proposer: `header` (canonical bytes) and `signature` prove it to anyone.
    """

    code = "conflicting_block"

    def __init__(self, height: int, known: Hash, other: Hash, header: bytes, signature: bytes) -> None:
        super().__init__(f"height {height} is final with block {known.hex()}; the other one is {other.hex()}")
        self.height = height
        self.known = known
        self.other = other
        self.header = header
        self.signature = signature


class InvalidGenesis(AccountantError):
    """A genesis that no chain can start from."""

    code = "invalid_genesis"


class MempoolRefusal(StrEnum):
    """Why the mempool does not keep a transaction that a block might take."""

    KNOWN = "known"
    STALE_NONCE = "stale_nonce"
    NONCE_GAP = "nonce_gap"
    UNFUNDED = "unfunded"
    REPLACEMENT_TIP = "replacement_tip"
    SENDER_FULL = "sender_full"
    FULL = "full"
    BLOB_ABSENT = "blob_absent"


class NotPooled(AccountantError):
    """A transaction that the mempool does not keep. `kind` is stable and machine readable."""

    code = "not_pooled"

    def __init__(self, kind: MempoolRefusal, detail: str) -> None:
        super().__init__(f"{kind}: {detail}")
        self.kind = kind
