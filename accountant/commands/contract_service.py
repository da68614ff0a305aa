"""What contract commands need to reach the accountant: its address, an API key, a signer's key; and their options."""

from pathlib import Path
from typing import Annotated

import typer

from accountant.client.client import AccountantClient, Unreachable
from accountant.client.wallet import Terms
from accountant.primitives.errors import AccountantError
from accountant.primitives.keys import PrivateKey
from accountant.settings import Settings, load_settings

# Arguments of contracts may be negative numbers.
ARGUMENTS_MAY_BE_NEGATIVE = {"ignore_unknown_options": True}

Api = Annotated[str | None, typer.Option("--api", help="The accountant's URL; default: by the settings.")]
ApiKey = Annotated[str | None, typer.Option("--api-key", help="Its API key; default: the one in the data folder.")]
KeyFile = Annotated[Path | None, typer.Option("--key", help="Who signs: a key file; default: the chain's faucet.json.")]
PasswordFile = Annotated[
    Path | None, typer.Option("--password-file", help="The key file's password; default: the chain's.")
]
Value = Annotated[int, typer.Option(min=0, help="Base units that come with it.")]
General = Annotated[bool, typer.Option("--general", help="The value is general money, not zero-cost money.")]
Tip = Annotated[int, typer.Option(min=0, help="Base units for the proposer.")]
Gas = Annotated[int, typer.Option(min=0, help="The gas limit; 0: what a simulation used, and a quarter more.")]
Nonce = Annotated[int | None, typer.Option(min=0, help="Name it where others of yours wait for a block.")]
Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until it is on the chain.")]
Yes = Annotated[bool, typer.Option("--yes", help="Sign guesses, and what fails when it is tried out, without asking.")]
AskOutcome = Annotated[bool, typer.Option("--outcome", help="Have it executed, and print what it did.")]
Interface = Annotated[
    Path | None, typer.Option(help="The contract's source or interface: names, types, events, lines of failures.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


class NoService(AccountantError):
    """Nothing says where the accountant is, or which API key it takes."""

    code = "no_service"


def open_client(api: str | None, api_key: str | None, wait_s: int = 0) -> AccountantClient:
    """The accountant of these options, else of the settings. Raises `NoService`, `Unreachable`."""
    client = AccountantClient(*address_of(api, api_key), wait_s=wait_s)
    try:
        client.chain()
    except Unreachable as error:
        raise Unreachable(f"{error.detail}: is `make up` running? Another address goes with --api") from None
    return client


def address_of(api: str | None, api_key: str | None) -> tuple[str, str]:
    """The URL and the API key of these options, else of the settings. Raises `NoService`."""
    settings = load_settings()
    return api or _url(settings), api_key or _stored_key(settings)


def open_key(key: Path | None, password_file: Path | None) -> PrivateKey:
    """The signer of these options, else the faucet of the chain folder. Raises `KeyFileError`."""
    # Here, because it takes a second to import, and most commands sign nothing.
    from accountant.commands.init import places_of
    from accountant.node.keystore import read_key, read_password

    places = places_of(load_settings())
    path = key or places.faucet_key
    password = password_file or places.password
    return read_key(path, read_password(password) if password.exists() or password_file else b"")


def terms_of(value: int, general: bool, gas: int, tip: int, nonce: int | None) -> Terms:
    """The terms of these options."""
    return Terms(0 if general else value, value if general else 0, gas, tip, nonce)


def _url(settings: Settings) -> str:
    if not settings.api_port:
        raise NoService("ANH_API_PORT is 0, a free port: say with --api where the accountant is")
    return f"http://{settings.api_host}:{settings.api_port}"


def _stored_key(settings: Settings) -> str:
    path = settings.api_key_path
    try:
        return path.read_text().strip()
    except OSError:
        raise NoService(
            f"there is no API key in {path}: run this in the folder of `make up`, set ANH_DATA_DIR, or give --api-key"
        ) from None
