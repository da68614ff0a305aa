"""`accountant bounty refund CONTRACT`: the client takes back what nobody won."""

from typing import Annotated

import typer

from accountant.client.client import AccountantClient
from accountant.client.contracts import ContractClient
from accountant.client.signatures import Signatures
from accountant.client.wallet import Terms, prepare_call
from accountant.commands.contract_sending import Sending, carry_out, confirm
from accountant.commands.contract_service import (
    Api,
    ApiKey,
    Json,
    KeyFile,
    Nonce,
    PasswordFile,
    Tip,
    Wait,
    Yes,
    open_client,
    open_key,
)
from accountant.oath.bounty import FREE_OF, RECLAIM
from accountant.oath.bounty_code import BOUNTY_ENVELOPE
from accountant.primitives.addresses import parse_account, show
from accountant.primitives.errors import AccountantError


class NothingToRefund(AccountantError):
    """A bounty that has not ended, or whose money was won or taken back."""

    code = "nothing_to_refund"


def refund(
    contract: Annotated[str, typer.Argument(help="The bounty's contract id.")],
    key: KeyFile = None,
    password_file: PasswordFile = None,
    tip: Tip = 0,
    nonce: Nonce = None,
    api: Api = None,
    api_key: ApiKey = None,
    wait: Wait = True,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Take back the reward that nobody won and the bonds of wrong claims, once the bounty has ended.

    How much that is shows when the claims are executed, which the accountant does for it.
    """
    reclaim = Signatures(BOUNTY_ENVELOPE).function(RECLAIM)
    with open_client(api, api_key) as client:
        found = client.bounty(show(parse_account(contract)))
        signer = open_key(key, password_file)
        if show(signer.address) != found["client"]:
            raise NothingToRefund(
                f"only the client takes it back, {found['client']}; the key is {show(signer.address)}'s"
            )
        units = _free(client, found)
        bounty = ContractClient(client, found["contract"])
        ready = prepare_call(client, signer.address, bounty.id, reclaim, (units,), Terms(tip=tip, nonce=nonce))
        sending = Sending(ready, bounty.signatures, reclaim, (units,), None, None)
        confirm(sending, yes)
        carry_out(client, signer, sending, wait, False, as_json)


def _free(client: AccountantClient, found: dict[str, object]) -> int:
    """Base units that the client may take. Raises `NothingToRefund`."""
    ends, height = int(str(found["reveals_until"])), int(client.chain()["height"])
    if height < ends:
        raise NothingToRefund(f"the bounty goes on until block {ends}, the chain has {height}")
    units = ContractClient(client, str(found["contract"])).view(FREE_OF)
    if not isinstance(units, int) or units <= 0:
        raise NothingToRefund("all of its money was won or taken back")
    return units
