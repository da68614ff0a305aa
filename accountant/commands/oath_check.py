"""`accountant oath check FILE|TRANSACTION`: whether an oath counts. Nothing is executed.

An accountant is asked, or with `--headers` nobody: then a file shows it to whoever trusts block headers.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from accountant.chain.headers import InvalidHeaders
from accountant.chain.transaction import TRANSACTION_BYTES_MAX, decode_transaction, transaction_hash
from accountant.commands.contract_service import Api, ApiKey, Json, open_client
from accountant.commands.contract_shown import line
from accountant.oath.oath import terms_of
from accountant.oath.proof import OathProofRefused
from accountant.primitives.encoding import encode
from accountant.primitives.errors import AccountantError

DOES_NOT_COUNT = 1

_HASH = re.compile(r"(?:0x)?[0-9a-fA-F]{64}", re.ASCII)
_ID = re.compile(r"oath_[0-9a-f]{32}", re.ASCII)
_HEX = re.compile(rb"\s*0x((?:[0-9a-fA-F]{2})+)\s*")


class NoOathNamed(AccountantError):
    """An argument that is neither an oath's name nor a file with an oath's bytes."""

    code = "no_oath_named"


class OtherBytes(AccountantError):
    """An accountant that shows other bytes under a transaction's hash."""

    code = "other_bytes"


def check(
    oath: Annotated[
        str,
        typer.Argument(
            metavar="FILE|TRANSACTION",
            help="A file with the oath's signed bytes, plain or 0x and hex; or its hash. With --headers: a proof "
            "(`accountant oath prove`), or a saved answer (`accountant oath check --json`).",
        ),
    ],
    headers: Annotated[
        Path | None, typer.Option(help="Check offline, by block headers that you trust: `accountant chain headers`.")
    ] = None,
    genesis: Annotated[str | None, typer.Option(help="The hash that genesis must have, with --headers.")] = None,
    api: Api = None,
    api_key: ApiKey = None,
    as_json: Json = False,
) -> None:
    """Tell what an oath says, and whether it counts: a false answer is then sure to cost the penalty.

    Exit status: 0 if it counts, 1 if it does not, not yet, or is not shown to, 2 if there is no such oath.
    """
    found = _offline(Path(oath), headers, genesis) if headers is not None else _online(oath, api, api_key)
    typer.echo(json.dumps(found) if as_json else "\n".join(shown(found)))
    if found["standing"] is None or not found["standing"]["counts"]:
        raise typer.Exit(DOES_NOT_COUNT)


def _offline(file: Path, headers: Path, genesis: str | None) -> dict[str, Any]:
    from accountant.commands.oath_offline import read_offline  # pydantic and the API's views: when needed

    try:
        return read_offline(file, headers, genesis)
    except (OathProofRefused, InvalidHeaders) as error:
        typer.echo(f"refused: {error.detail}")
        raise typer.Exit(DOES_NOT_COUNT) from None


def _online(oath: str, api: str | None, api_key: str | None) -> dict[str, Any]:
    raw = None if _HASH.fullmatch(oath) or _ID.fullmatch(oath) else _read(Path(oath))
    with open_client(api, api_key) as client:
        found: dict[str, Any] = client.oath(oath if raw is None else "0x" + transaction_hash(raw).hex())
    if raw is not None and found["sworn"]["raw"] != "0x" + raw.hex():
        raise OtherBytes("the accountant shows other bytes under the oath's hash: do not rely on it")
    return found


def _read(path: Path) -> bytes:
    """The signed bytes in a file, which swear something. Raises `NoOathNamed`, `NotAnOath`, `InvalidEncoding`."""
    if not path.is_file():
        raise NoOathNamed(f"{str(path)[:80]!r} is no file, and no transaction's hash (64 hexadecimal digits)")
    with path.open("rb") as file:
        data = file.read(2 * TRANSACTION_BYTES_MAX + 64)
    as_hex = _HEX.fullmatch(data)
    raw = data if as_hex is None else bytes.fromhex(as_hex[1].decode())
    transaction = decode_transaction(raw)
    terms_of(transaction)
    assert encode(transaction) == raw
    return raw


def shown(found: dict[str, Any]) -> Iterator[str]:
    """An oath for people."""
    sworn, standing = found["sworn"], found["standing"]
    if sworn is not None:
        yield line("Oath", sworn["transaction"])
        yield line("Swearer", sworn["swearer"])
        yield line("Query", "malformed" if sworn["query"] is None else _query(sworn["query"]))
        yield line("Answer", "malformed" if sworn["answer"] is None else json.dumps(sworn["answer"]))
        if found.get("part") is not None:
            yield line("Yours", f"{_query(found['part']['query'])}: {json.dumps(found['part']['answer'])}")
        yield line("Penalty", f"{int(sworn['penalty']):,}")
    if standing is None and "height" in found:
        yield line("Block", f"{found['height']}: it stands there")
        yield line("Counts", "not shown by this file: `accountant oath prove` makes one that does")
        return
    if standing is None:
        yield line("Counts", f"not yet: it is {found['state']}")
        return
    yield line("Deposit", f"at least {int(standing['deposit']):,} right before it")
    yield line("Counts", "yes: a false answer is sure to cost the penalty" if standing["counts"] else "no")
    for flaw in standing["flaws"]:
        yield line("Flaw", f"{flaw['kind']}: {flaw['detail']}")


def _query(query: dict[str, Any]) -> str:
    if query["queries"] is not None:
        return "every of " + "; ".join(_query(part) for part in query["queries"])
    return " ".join(
        f"{value}" for name, value in query.items() if value is not None and name not in ("hash", "position")
    )
