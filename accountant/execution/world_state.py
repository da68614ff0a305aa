"""The world state b.ws as a document (paper, section II-A), and its root: it always exists, and someone may look.

A leaf for each user, each contract and each slot that is there, in this order, each kind sorted by its key. A user is
there if it owns something or ever signed; a contract if it has code or owns something; a slot if its value is not empty
(decision 4). The root is that of RFC 6962 over the leaves' canonical encodings, so a leaf can be proved.
"""

from collections.abc import Iterable

from accountant.contracts.world import ContractCode
from accountant.primitives.encoding import Decoder, Record, encode
from accountant.primitives.hashes import sha256
from accountant.primitives.merkle import streamed_root
from accountant.primitives.types import ContractId, Hash

LEAF_BYTES_MAX = 2 * 1024 * 1024
"""A slot's value has at most 1 MiB."""


class UserLeaf(Record, frozen=True, tag=0):
    """A user: zero-cost balance Z, general balance G, and the nonce of its next transaction."""

    address: bytes
    zero_balance: int
    general_balance: int
    nonce: int


class ContractLeaf(Record, frozen=True, tag=1):
    """A contract id: who deployed code there, SHA-256 of the code and of the envelope's encoding, and G.

    Without code (nothing was deployed, or the deployment failed) the first three are None: it only owns something.
    """

    contract: bytes
    deployer: bytes | None
    code_hash: bytes | None
    envelope_hash: bytes | None
    general_balance: int


class SlotLeaf(Record, frozen=True, tag=2):
    """A slot of a contract and its value."""

    contract: bytes
    slot: bytes
    value: bytes


Leaf = UserLeaf | ContractLeaf | SlotLeaf

_leaves: Decoder[Leaf] = Decoder(Leaf, LEAF_BYTES_MAX)  # type: ignore[arg-type]


def decode_leaf(raw: bytes) -> Leaf:
    """The leaf that `raw` encodes. Raises `InvalidEncoding`."""
    return _leaves.decode(raw)


def contract_leaf(contract: ContractId, code: ContractCode | None, general: int) -> ContractLeaf:
    """The leaf of a contract id."""
    if code is None:
        return ContractLeaf(contract, None, None, None, general)
    return ContractLeaf(contract, code.deployer, sha256(code.code), sha256(encode(code.envelope)), general)


def exists(leaf: Leaf) -> bool:
    """Whether there is anything to say at a leaf's key."""
    match leaf:
        case UserLeaf():
            return bool(leaf.zero_balance or leaf.general_balance or leaf.nonce)
        case ContractLeaf():
            return bool(leaf.general_balance) or leaf.code_hash is not None
        case SlotLeaf():
            return bool(leaf.value)


def order(leaf: Leaf) -> tuple[int, bytes, bytes]:
    """Sorts leaves; no two of a state have the same."""
    match leaf:
        case UserLeaf():
            return 0, leaf.address, b""
        case ContractLeaf():
            return 1, leaf.contract, b""
        case SlotLeaf():
            return 2, leaf.contract, leaf.slot


def root_of(leaves: Iterable[Leaf]) -> Hash:
    """The root of a state's leaves, sorted."""
    return streamed_root(encode(leaf) for leaf in leaves)
