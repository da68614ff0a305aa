"""Events go to the wire and back by the interface; what is none of its events is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accountant.contracts.simulate import simulate
from accountant.contracts.world import ContractCode
from accountant.language.compiler import compile_source
from accountant.language.events import InvalidEvent, decode_event, encode_event
from accountant.language.slots import Value
from accountant.primitives.cid import cid_of
from tests.support.compiled import GAS
from tests.support.wat import DEPLOYER, FRIEND, MAIN, PREVIOUS, SENDER, DictWorld, call_of

SOURCE = b'''
from accountant.language import Account, Address, Cid, Contract, Event, Hash, direct, export, log


class Everything(Event):
    """A field of each type."""

    number: int
    flag: bool
    data: bytes
    text: str
    account: Account
    user: Address
    contract: Contract
    digest: Hash
    file: Cid


class Nothing(Event):
    """No field."""


@export
@direct
def say(
    number: int,
    flag: bool,
    data: bytes,
    text: str,
    account: Account,
    user: Address,
    contract: Contract,
    digest: Hash,
    file: Cid,
) -> None:
    log(
        Everything(
            number=number,
            flag=flag,
            data=data,
            text=text,
            account=account,
            user=user,
            contract=contract,
            digest=digest,
            file=file,
        )
    )
    log(Nothing())
'''
COMPILED = compile_source(SOURCE, "said.py")
INTERFACE = COMPILED.interface

NAMES = [field.name for field in INTERFACE.events[0].fields]
VALUES = st.fixed_dictionaries(
    {
        "number": st.integers(-(2**63), 2**63 - 1),
        "flag": st.booleans(),
        "data": st.binary(max_size=40),
        "text": st.text(max_size=20),
        "account": st.sampled_from((bytes(SENDER), bytes(MAIN))),
        "user": st.just(bytes(FRIEND)),
        "contract": st.just(bytes(MAIN)),
        "digest": st.just(bytes(PREVIOUS)),
        "file": st.just(bytes(cid_of(b"x"))),
    }
)


@given(VALUES)
def test_events_decode_to_what_was_encoded(values: dict[str, Value]) -> None:
    """Every type of field, in the order of the declaration."""
    event = decode_event(INTERFACE, *encode_event(INTERFACE, "Everything", values))
    assert event == ("Everything", values) and list(event.fields) == NAMES


@given(VALUES)
def test_what_a_contract_logs_decodes_to_what_it_logged(values: dict[str, Value]) -> None:
    """The compiler and the decoder agree on the wire."""
    world = DictWorld()
    world.codes[MAIN] = ContractCode(COMPILED.code, COMPILED.envelope, DEPLOYER)
    given = (values[name] for name in NAMES)
    arguments = tuple(
        int(value) if isinstance(value, int) else value.encode() if isinstance(value, str) else value for value in given
    )
    said, nothing = simulate(call_of("say", arguments), world, GAS).result.logs
    assert decode_event(INTERFACE, said.topic, said.data) == ("Everything", values)
    assert decode_event(INTERFACE, nothing.topic, nothing.data) == ("Nothing", {})


def test_other_logs_are_refused() -> None:
    """An unknown topic, data that end early or late, values that are none of their types."""
    given: dict[str, Value] = {
        "number": 1, "flag": True, "data": b"", "text": "ab", "account": bytes(SENDER), "user": bytes(SENDER),
        "contract": bytes(MAIN), "digest": bytes(MAIN), "file": bytes(cid_of(b"x")),
    }  # fmt: skip
    topic, data = encode_event(INTERFACE, "Everything", given)
    with pytest.raises(InvalidEvent, match="no event 'Something'"):
        decode_event(INTERFACE, b"Something", data)
    for wrong, reason in (
        (data[:-1], "end within file"),
        (data + b"\x00", "1 bytes too many"),
        (data[:15] + b"\x02" + data[16:], "flag is 2"),
        (data.replace(b"ab", b"\xff\xff"), "text is no UTF-8"),
        (data[:24] + data[24:].replace((20).to_bytes(8, "big"), (19).to_bytes(8, "big"), 1), "account has 19 bytes"),
    ):
        with pytest.raises(InvalidEvent, match=reason):
            decode_event(INTERFACE, topic, wrong)
