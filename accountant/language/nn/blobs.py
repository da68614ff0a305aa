"""Tensors in files (safetensors), under their content identifiers.

Outside of a chain there are no published blobs: what can be loaded is what this process saved.
"""

from accountant.language.names import Cid, OutsideChain
from accountant.language.nn.exact import exact, files
from accountant.language.nn.values import Tensor, Tensors
from accountant.primitives.cid import cid_of

_saved: dict[bytes, bytes] = {}


def load(cid: Cid) -> Tensor:
    """The tensor of a file that holds one."""
    tensors = load_all(cid)
    if len(tensors) != 1:
        raise exact.InvalidTensor(f"a file of {len(tensors)} tensors; nn.load_all reads it")
    return tensors[0]


def load_all(cid: Cid) -> Tensors:
    """All tensors of a file, in its order."""
    if cid not in _saved:
        raise OutsideChain("a published blob needs a chain; test contracts with accountant.sandbox")
    return [Tensor(one) for one in files.read_tensors(_saved[cid])]


def save(tensor: Tensor) -> Cid:
    """Keeps a tensor for later transactions. The same values have the same identifier."""
    return save_all([tensor])


def save_all(tensors: Tensors) -> Cid:
    """Keeps several tensors as one file."""
    data = files.write_file([one.exact for one in tensors])
    cid = Cid(cid_of(data))
    _saved[cid] = data
    return cid
