"""`accountant oath withdraw PURSE`: takes out of a purse what no oath needs, where database and signer are."""

from contextlib import ExitStack
from typing import Annotated

import typer

from accountant.api.fields import parse_hash
from accountant.commands.contract_shown import line
from accountant.commands.database import database_url
from accountant.commands.publish import BlockingNode
from accountant.primitives.addresses import show
from accountant.primitives.errors import AccountantError
from accountant.primitives.types import Amount, ContractId
from accountant.services.purse_withdrawal import DepositWithdrawal, PurseState, Withdrawer
from accountant.services.signer_socket import SocketSigner
from accountant.settings import load_settings
from accountant.storage.database import Database, engine_of
from accountant.storage.index import PostgresIndex
from accountant.storage.outcomes import PostgresOutcomes

_CONNECTIONS_MAX = 2


class NoPurse(AccountantError):
    """An argument that names no contract."""

    code = "invalid_purse"


def withdraw(
    purse: Annotated[str, typer.Argument(help="The purse's contract id.")],
    units: Annotated[int | None, typer.Option(min=1, help="Base units; without it, all that no oath needs.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Also what oaths may need, or what may not be there.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what could be taken out.")] = False,
) -> None:
    """Have a withdrawal signed by the signer's process, and hand it in. It pays the accountant general money.

    Exit status: 0, 2 if nothing was signed.
    """
    contract = _contract(purse)
    settings = load_settings()
    url = database_url()
    with ExitStack() as opened:
        database = opened.enter_context(Database(url, _CONNECTIONS_MAX))
        engine = engine_of(url)
        opened.callback(engine.dispose)
        node = opened.enter_context(BlockingNode(settings.node))
        signer = SocketSigner(settings.signer_folder)
        opened.callback(signer.close)
        withdrawer = Withdrawer(engine, PostgresIndex(database), node, signer, PostgresOutcomes(database))
        if dry_run:
            _print_state(contract, withdrawer.state(contract))
        else:
            _print(contract, withdrawer.withdraw(contract, None if units is None else Amount(units), force))


def _contract(text: str) -> ContractId:
    try:
        return ContractId(parse_hash(text))
    except ValueError:
        raise NoPurse("a purse is named by its contract id: 0x and 64 hex digits") from None


def _print_state(contract: ContractId, state: PurseState) -> None:
    typer.echo(line("Purse", show(contract)))
    typer.echo(line("Deposit", f"at least {state.known:,} ({state.static:,} by bytes alone)"))
    typer.echo(line("On its way", f"{state.on_the_way:,}"))
    typer.echo(line("Free", f"{state.free:,}"))


def _print(contract: ContractId, done: DepositWithdrawal) -> None:
    _print_state(contract, done.before)
    typer.echo(line("Withdrawn", f"{done.units:,} in 0x{done.transaction.hex()}, nonce {done.nonce}"))
    if done.units > done.before.free:
        over = done.units - done.before.free
        typer.echo(line("Forced", f"{over:,} more than is free: it fails if they are not there"))
