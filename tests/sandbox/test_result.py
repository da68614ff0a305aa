"""Results: true exactly for success, and one line that says what happened."""

from accountant.sandbox import Chain, Contract


def test_a_success_shows_what_it_returned(chain: Chain, token: Contract) -> None:
    """Nothing of a failure is there."""
    result = token.transfer(chain.account("bob"), 10, sender=chain.account("alice"))
    assert result and result.succeeded
    assert (result.failure, result.reason, result.detail, result.place, result.line) == (None, None, "", None, None)
    assert repr(result) == f"<token.transfer: succeeded, returned True, gas {result.gas_used:,}>"


def test_a_failed_assertion_shows_its_reason(chain: Chain, token: Contract) -> None:
    """The reason is what the contract says, and nothing was returned or logged."""
    result = token.transfer(chain.account("bob"), 1_001, sender=chain.account("alice"))
    assert not result and not result.succeeded
    assert (result.failure, result.reason, result.returned, result.events) == (
        "assertion",
        "balance too low",
        None,
        [],
    )
    assert repr(result) == f"<token.transfer: failed, 'balance too low', gas {result.gas_used:,}>"


def test_another_failure_shows_its_kind(chain: Chain, token: Contract) -> None:
    """The reason is the kind; the detail says more."""
    alice = chain.account("alice")
    trapped = token.broken(sender=alice, gas=50_000)
    assert (trapped.failure, trapped.reason, trapped.detail, trapped.gas_used) == (
        "trap",
        "trap",
        "unreachable",
        50_000,
    )
    assert repr(trapped) == "<token.broken: failed, trap: unreachable, gas 50,000>"
    short = token.transfer(alice, 1, sender=alice, gas=6_000)
    assert (short.reason, repr(short)) == ("out_of_gas", "<token.transfer: failed, out_of_gas, gas 6,000>")


def test_transfers_and_deployments_have_results_too(chain: Chain, token: Contract) -> None:
    """They are shown by what they are."""
    sent = chain.transfer(chain.account("bob"), 5, sender=chain.account("alice"))
    assert repr(sent) == "<transfer to bob: succeeded, gas 0>"
    assert repr(token.deployment).startswith("<deployment of token: succeeded, gas ")
    assert token.deployment.deploys and not sent.deploys
