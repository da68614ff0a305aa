"""The contract as an object: attributes, arguments, results and events as its interface types them."""

import pytest

from accountant.sandbox import Chain, Contract, SandboxError, WrongArgument
from accountant.sandbox.events import RawEvent
from tests.support.sandbox_token import token_code, token_envelope
from tests.support.wat import admits, main_module, text


@pytest.mark.parametrize(
    ("given", "named", "says"),
    [
        ((), {}, r"token.transfer\(to: Account, amount: int\): to, amount are missing"),
        ((), {"amount": 1}, "to is missing"),
        (("bob", 1, 2), {}, "takes 2 arguments, not 3"),
        ((b"\1" * 20, 1), {"amount": 2}, "amount is given twice"),
        ((b"\1" * 20,), {"amounts": 2}, "has no parameter 'amounts'"),
        ((b"\1" * 20, "ten"), {}, "amount is an int, not 'ten'"),
        ((b"\1" * 20, True), {}, "amount is an int, not True"),
        ((b"\1" * 20, 2**63), {}, "amount has 64 bits, which 9223372036854775808 leaves"),
        ((5, 1), {}, r"to is an Account \(a user or a contract\): 5 is no account"),
        ((b"\1" * 21, 1), {}, "to is an Account"),
        (("0x12", 1), {}, "an account is 0x and 40 hex digits"),
    ],
)
def test_a_wrong_argument_is_named(
    chain: Chain, token: Contract, given: tuple[object, ...], named: dict[str, object], says: str
) -> None:
    """Number, names and types of arguments are checked before anything is sent."""
    height = chain.height
    with pytest.raises(WrongArgument, match=says):
        token.transfer(*given, sender=chain.account("alice"), **named)
    assert chain.height == height


def test_accounts_are_given_as_they_come_to_hand(chain: Chain, token: Contract) -> None:
    """A user, a contract, their bytes and their text all name an account."""
    alice, bob = chain.account("alice"), chain.account("bob")
    for to in (bob, bob.address, bytes(bob.address), "0x" + bob.address.hex()):
        assert token.transfer(to, 5, sender=alice).succeeded
    assert token.transfer(token, 7, sender=alice).succeeded
    assert (token.balance_of(bob), token.balance_of(token)) == (20, 7)


def test_a_transaction_needs_a_sender_and_a_view_has_none(chain: Chain, token: Contract) -> None:
    """Either mistake is told before anything is sent."""
    alice = chain.account("alice")
    with pytest.raises(SandboxError, match="say who signs it"):
        token.transfer(alice, 1)
    with pytest.raises(SandboxError, match="without a transaction"):
        token.balance_of(alice, sender=alice)


def test_what_the_contract_does_not_have_is_no_attribute(token: Contract) -> None:
    """The error lists what there is; functions and events are listed for completion."""
    with pytest.raises(AttributeError, match=r"no 'transfr'; it has transfer, .*Transfer"):
        token.transfr  # noqa: B018
    with pytest.raises(SandboxError, match="no function 'mint'"):
        token["mint"]
    assert {"transfer", "Transfer"} <= set(dir(token))
    assert repr(token.transfer) == repr(token["transfer"]) == "<token.transfer(to: Account, amount: int)>"


def test_events_are_records_of_their_contract(chain: Chain, token: Contract) -> None:
    """They compare by contract, name and fields, and show accounts by name."""
    alice, bob = chain.account("alice"), chain.account("bob")
    (event,) = token.transfer(bob, 10, sender=alice).events
    assert event == token.Transfer(source=alice.address, to=bob, amount=10) == token.Transfer(alice, bob, 10)
    assert hash(event) == hash(token.Transfer(alice, bob, 10))
    assert event != token.Transfer(alice, bob, 11)
    assert repr(event) == "Transfer(source=alice, to=bob, amount=10)"
    assert (event.source, event.amount) == (alice.address, 10)
    other = chain.deploy_module(token_code(), token_envelope(), 1, sender=alice, name="other")
    assert other.transfer(bob, 1, sender=alice).events != [token.Transfer(alice, bob, 1)]
    with pytest.raises(AttributeError, match="no field 'sender'"):
        _ = event.sender


@pytest.mark.parametrize(
    ("given", "named"), [((), {"source": b"\1" * 20}), ((b"\1" * 20,) * 4, {}), ((b"\1" * 20,), {"source": b""})]
)
def test_an_expected_event_has_all_its_fields_once(
    token: Contract, given: tuple[object, ...], named: dict[str, object]
) -> None:
    """An event with fields missing, too many, or twice is a mistake in the test."""
    with pytest.raises(WrongArgument, match="Transfer"):
        token.Transfer(*given, **named)


def test_a_log_that_no_interface_describes_is_shown_raw(chain: Chain) -> None:
    """Contract, topic and data are there as bytes."""
    code = main_module(f"(call $log {text(0, 3)} {text(3, 4)})", data="hey1234")
    contract = chain.deploy_module(code, admits("main"), sender=chain.account("alice"))
    (event,) = contract.main(sender=chain.account("alice")).events
    assert event == RawEvent(contract, b"hey", b"1234")
    assert (event.topic, event.data) == (b"hey", b"1234")


def test_contracts_of_one_name_are_told_apart(chain: Chain, token: Contract) -> None:
    """The second is shown with a number."""
    alice = chain.account("alice")
    second, third = (
        chain.deploy_module(token_code(), token_envelope(), 1, sender=alice, name="token") for _ in range(2)
    )
    assert [repr(contract) for contract in (token, second, third)] == ["token", "token#2", "token#3"]
    assert token.address != second.address
