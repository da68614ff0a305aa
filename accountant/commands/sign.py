"""`accountant sign`: holds the accountant's key, and signs what a publisher may ask for, until SIGTERM."""

import json
import os
import signal
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

import httpx
import structlog
import typer

from accountant.chain.genesis import GENESIS_BYTES_MAX, Genesis, decode_genesis
from accountant.commands.init import places_of
from accountant.logs import configure_logs
from accountant.node.devnet import read_genesis
from accountant.node.keystore import read_key, read_password
from accountant.oath.signing import Purpose, SigningLimits
from accountant.primitives.addresses import account_of, show
from accountant.primitives.errors import InvalidEncoding
from accountant.primitives.keys import PrivateKey
from accountant.primitives.types import Amount, Hash
from accountant.processes.limits import not_dumpable
from accountant.services.signer_socket import SignerServer
from accountant.services.signing import KeySigner, Signature
from accountant.settings import BOUNTIES_OFF, Settings, load_settings

app = typer.Typer()

_RETRY_S = 1.0
_TIMEOUT_S = 10.0

_log = structlog.get_logger(__name__)


@app.command()
def sign() -> None:
    """Hold the accountant's key; sign oaths, deposits, purses and bounty claims for the publisher, until SIGTERM."""
    settings = load_settings()
    configure_logs(settings.log_level, settings.log_format, "signer")
    not_dumpable()
    stop = threading.Event()

    def ask_to_stop(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, ask_to_stop)
    genesis = _genesis(settings, stop)
    if genesis is None:
        return
    folder = settings.signer_folder
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    log = folder / "signatures.jsonl"
    signer = KeySigner(_key(settings), genesis, limits_of(settings), logging_to(log), bonded_in(log))
    server = SignerServer(folder, signer)
    _log.info("signer_started", signer=show(signer.address()))
    stop.wait()
    server.close()


def logging_to(path: Path) -> Callable[[Signature], None]:
    """Appends each signature to a file, a line of JSON each, on the disk before the call returns."""

    def log(signature: Signature) -> None:
        entry = {
            "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "purpose": signature.purpose.value,
            "nonce": signature.nonce,
            "to": show(account_of(signature.to)) if signature.to else None,
            "bond": str(signature.bond),
            "transaction": "0x" + signature.transaction.hex(),
        }
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "ab") as file:
            file.write(json.dumps(entry).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        _log.info("signed", **entry)

    return log


def limits_of(settings: Settings) -> SigningLimits:
    """What the key may put at stake by these settings; nothing for bounties while they are off."""
    limits = SigningLimits(Amount(settings.oath_penalty), Amount(settings.oath_deposit))
    if settings.bounties == BOUNTIES_OFF:
        return limits
    return limits._replace(
        bond=Amount(settings.bounty_bond),
        fee=Amount(settings.bounty_fee),
        bonded_most=Amount(settings.bounty_bonded_most),
    )


def bonded_in(path: Path) -> dict[Hash, Amount]:
    """The bonds in a log of signatures, by transaction. A last line that was cut off was never given away; it ends."""
    bonds: dict[Hash, Amount] = {}
    logged = path.read_bytes() if path.exists() else b""
    if logged and not logged.endswith(b"\n"):
        with path.open("ab") as file:
            file.write(b"\n")
    for line in logged.splitlines():
        try:
            entry = json.loads(line)
            if entry["purpose"] == Purpose.COMMIT:
                bonds[Hash(bytes.fromhex(entry["transaction"][2:]))] = Amount(int(entry["bond"]))
        except (ValueError, KeyError, TypeError):
            _log.warning("signature_log_line_unreadable", file=path.name)
    return bonds


def _genesis(settings: Settings, stop: threading.Event) -> Genesis | None:
    """The chain's genesis: from the chain folder or else, once it answers, from the node. None if asked to stop."""
    file = places_of(settings).genesis
    while not stop.is_set():
        if file.exists():
            return read_genesis(file)[1]
        try:
            answer = httpx.get(f"{settings.node}/genesis", timeout=_TIMEOUT_S, trust_env=False)
            answer.raise_for_status()
            return decode_genesis(answer.content[: GENESIS_BYTES_MAX + 1])
        except (httpx.HTTPError, InvalidEncoding) as error:
            _log.warning("signer_waits", code="node_unavailable", detail=type(error).__name__)
        stop.wait(_RETRY_S)
    return None


def _key(settings: Settings) -> PrivateKey:
    """The accountant's key; a PEM file needs no password."""
    path = settings.accountant_key_path
    password = read_password(settings.key_password_path) if settings.key_password_path.exists() else b""
    return read_key(path, password)
