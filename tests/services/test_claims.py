"""Claims: a bounty's question is answered, committed to, revealed and collected once each, whatever dies in between."""

from collections.abc import Iterator

import pytest

from accountant.storage.bounties import BountyState
from tests.support.bounty_office import BOND, REWARD, BountyOffice, opened_bounty_office


@pytest.fixture
def office(database_url: str) -> Iterator[BountyOffice]:
    """An office with an empty database and a chain that only has its genesis."""
    with opened_bounty_office(database_url) as opened:
        yield opened


def test_a_bounty_is_won(office: BountyOffice) -> None:
    """From its deployment to the reward: one job, one commitment, one revelation, one collecting, each successful."""
    contract = office.open(office.settled_payment())
    claims, publisher = office.claims(), office.publisher()
    seen = []
    for _ in range(25):
        office.go_on(claims, publisher)
        if not seen or seen[-1] != office.row(contract).state:
            seen.append(office.row(contract).state)
    assert seen == [
        BountyState.ASKED,
        BountyState.CLAIMED,
        BountyState.REVEALED,
        BountyState.COLLECTING,
        BountyState.WON,
    ]
    assert office.row(contract).due == REWARD + BOND
    assert [purpose for _, purpose in office.signed(["commit", "reveal", "collect"])] == ["commit", "reveal", "collect"]
