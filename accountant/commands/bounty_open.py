"""`accountant bounty open KIND …`: deploys a bounty with its reward, prepared by the accountant, signed here."""

from typing import Annotated

import typer

from accountant.chain.genesis import Genesis, decode_genesis
from accountant.client.signatures import Signatures
from accountant.client.wallet import Terms, prepare_deployment
from accountant.commands.bounty_question import QuestionKind, question_of
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
from accountant.commands.place import HEAD, At
from accountant.oath.bounty import BountyTerms
from accountant.oath.bounty_calls import open_transaction
from accountant.oath.bounty_code import BOUNTY_CODE, BOUNTY_ENVELOPE
from accountant.oath.swear import Stamp
from accountant.primitives.encoding import encode
from accountant.primitives.errors import AccountantError
from accountant.primitives.types import AMOUNT_MAX, Address, Amount

_BLOCKS_MOST = 2**32


class BadBounty(AccountantError):
    """Terms that the contract takes from nobody."""

    code = "bad_bounty"


def open_bounty(
    kind: Annotated[QuestionKind, typer.Argument(help="What is asked.")],
    about: Annotated[list[str], typer.Argument(help="What it is about: accounts, transactions, contracts, values.")],
    reward: Annotated[int, typer.Option(min=1, max=AMOUNT_MAX, help="Base units for the first right answer.")],
    bond: Annotated[
        int | None, typer.Option(min=1, max=AMOUNT_MAX, help="Base units that each claim puts up; default: the reward.")
    ] = None,
    commit_blocks: Annotated[
        int, typer.Option(min=1, max=_BLOCKS_MOST, help="Blocks in which claims are committed to.")
    ] = 50,
    reveal_blocks: Annotated[
        int, typer.Option(min=1, max=_BLOCKS_MOST, help="Blocks after those in which they are revealed.")
    ] = 50,
    at: At = HEAD,
    tip: Tip = 0,
    nonce: Nonce = None,
    key: KeyFile = None,
    password_file: PasswordFile = None,
    api: Api = None,
    api_key: ApiKey = None,
    wait: Wait = True,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Pay for the answer to a question: the reward waits in a contract that pays the first right answer alone.

    Kinds: balance-at-least ACCOUNT UNITS, transaction-succeeded TRANSACTION, income TRANSACTION ACCOUNT,
    storage CONTRACT SLOT, view CONTRACT FUNCTION ARG…
    """
    bond = reward if bond is None else bond
    if bond < reward:
        raise BadBounty(f"a bond of {bond} is less than the reward of {reward}: guessing would pay")
    signatures = Signatures(BOUNTY_ENVELOPE)
    with open_client(api, api_key) as client:
        asked = question_of(client, kind, about, at)
        signer = open_key(key, password_file)
        promised = BountyTerms(encode(asked), Amount(bond), commit_blocks, reveal_blocks)
        gas = _gas(decode_genesis(client.genesis()), signer.address, promised)
        arguments: tuple[int | bytes, ...] = tuple(promised)
        constructor = signatures.constructor
        terms = Terms(value=reward, gas=gas, tip=tip, nonce=nonce)
        ready = prepare_deployment(client, signer.address, BOUNTY_CODE, BOUNTY_ENVELOPE, constructor, arguments, terms)
        sending = Sending(ready, signatures, constructor, arguments, None, None)
        confirm(sending, yes)
        carry_out(client, signer, sending, wait, False, as_json)


def _gas(genesis: Genesis, sender: Address, terms: BountyTerms) -> int:
    """With less an accountant could not be sure that the deployment succeeds."""
    return open_transaction(Stamp(genesis.chain_id, 0), sender, terms, Amount(1), genesis.gas).gas_limit
