"""What loading blobs makes of templates and envelopes, and what interface files say of networks."""

from accountant.chain.envelope import Arg, Envelope, FunctionEnvelope, Literal, TemplateEntry, TemplateKind
from accountant.language.compiler import Compiled, compile_source
from accountant.language.errors import ContractError
from accountant.language.interface import read_interface, write_interface
from accountant.primitives.cid import cid_of, show_cid

HEAD = "from accountant.language import Cid, Tensor, blobs, direct, export, memory, nested, nn, touches, view\n"
FIXED = cid_of(b"fixed")


def compiled(source: str) -> Compiled:
    """The contract, behind an import of everything."""
    return compile_source((HEAD + source).encode(), "contract.py")


def function(envelope: Envelope, name: str) -> FunctionEnvelope:
    """A function's envelope, which exists."""
    found = envelope.function(name)
    assert found is not None
    return found


def refused(source: str) -> str:
    """The error of a contract that does not compile."""
    try:
        compiled(source)
    except ContractError as error:
        return error.detail
    raise AssertionError("it compiles")


def blob(*on: Arg | Literal, certain: bool = True) -> TemplateEntry:
    """The entry of a template."""
    return TemplateEntry(TemplateKind.BLOB, on, certain=certain)


def test_identifiers_that_follow_from_the_call_stand_in_the_template() -> None:
    """Arguments and constants, through own functions too; certain before anything that can end the call."""
    envelope = compiled(
        f"""FIXED: Cid = Cid("{show_cid(FIXED)}")
def read(cid: Cid) -> int:
    return nn.item(nn.load(cid))
@export
def f(cid: Cid, other: Cid, raw: bytes) -> int:
    first = read(cid)
    return first + read(FIXED) + read(Cid(raw)) + (read(other) if first > 0 else 0)
"""
    ).envelope
    made = function(envelope, "f")
    assert made.complete
    assert made.template == (
        blob(Arg(0)),
        blob(Literal(FIXED), certain=False),
        blob(Arg(2), certain=False),
        blob(Arg(1), certain=False),
    )
    assert envelope.open.blobs_most == 4, "any contract may call it once in a transaction"


def test_identifiers_out_of_storage_need_nothing_unless_they_may_be_published() -> None:
    """What contracts saved is found through the slot; a statement opens the envelope for so many others."""
    envelope = compiled(
        """kept: Cid
@export
@direct
def saved() -> int:
    return nn.item(nn.load(kept))
@export
@direct
@touches(blobs(3))
def published() -> int:
    return nn.item(nn.load(kept))
"""
    ).envelope
    saved, published = function(envelope, "saved"), function(envelope, "published")
    assert saved.complete
    assert [entry.kind for entry in saved.template] == [TemplateKind.READ]
    assert not published.complete
    assert published.template == saved.template
    assert envelope.open.blobs_most == 3


def test_other_contracts_may_declare_what_a_function_loads() -> None:
    """As often as `@nested` says, what it states and what follows from its arguments together."""
    source = """kept: Cid
@export
@nested(2)
@touches(blobs(3))
def f(cid: Cid) -> int:
    return nn.item(nn.load(cid)) + nn.item(nn.load(kept))
"""
    assert compiled(source).envelope.open.blobs_most == 3 + 2 * (1 + 3)


def test_statements_that_are_not_needed_are_refused() -> None:
    """Every load of this function follows from its argument."""
    source = "@export\n@touches(blobs(1))\ndef f(cid: Cid) -> int:\n    return nn.item(nn.load(cid))\n"
    told = "contract.py:3:10: f needs no blobs: what it touches follows from the arguments. Leave it out"
    assert refused(source) == told


def test_the_interface_says_what_is_loaded_and_how_much_memory_is_enough() -> None:
    """For people and wallets; where the source does not say how much, the file says nothing."""
    interface = compiled(
        """kept: Cid
@export
@memory(2**20)
@touches(blobs(2))
def f(cid: Cid) -> int:
    return nn.item(nn.load(cid)) + nn.item(nn.load(kept))
@view
def g(cid: Cid) -> int:
    return nn.item(nn.load(cid))
"""
    ).interface
    f, g = interface.functions
    assert f.memory == 2**20
    assert f.touches == ("loads cid", "reads kept", "loads at most 2 published blobs that depend on the state")
    assert f.certain == ("loads cid",)
    assert g.memory is None
    written = write_interface(interface)
    assert written.count(b"memory") == 1
    assert read_interface(written) == interface
