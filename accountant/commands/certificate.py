"""`accountant certificate …`: portable certificates, fetched from an accountant and verified without one."""

from pathlib import Path
from typing import Annotated

import typer

from accountant.accounting.proof.errors import CertificateRefused
from accountant.accounting.proof.file import CERTIFICATE_FILE_BYTES_MAX, CertificateFile, decode_certificate_file
from accountant.accounting.proof.verify import verify as verify_certificate
from accountant.chain.block import Position
from accountant.chain.headers import HEADERS_BYTES_MAX, Headers, InvalidHeaders, decode_headers
from accountant.chain.query import ViewAnswer, decode_answer, decode_query
from accountant.commands.blobs_given import GivenBlobs, GivenFiles, GivenFolder
from accountant.commands.contract_service import Api, ApiKey, open_client
from accountant.primitives.addresses import account_of, show
from accountant.primitives.errors import AccountantError, InvalidEncoding
from accountant.primitives.types import ADDRESS_BYTES, HASH_BYTES, Gas

app = typer.Typer(no_args_is_help=True, help="Fetch portable certificates, and verify them without trusting anybody.")

_REFUSED = 1

GAS_MOST = 10_000_000_000
"""What a verifier executes unless it is told otherwise: some minutes at most."""

CertificatePath = Annotated[Path, typer.Argument(help="The certificate.")]


class UnreadableFile(AccountantError):
    """A file that is too large to be what it is taken for, or a hash that is none."""

    code = "unreadable_file"


@app.command()
def fetch(
    job: Annotated[str, typer.Argument(help="A job that is done, by its id.")],
    out: Annotated[Path, typer.Option(help="The file to write.")],
    gas_budget: Annotated[int | None, typer.Option(min=0, help="The most gas that it may rest on.")] = None,
    wait_s: Annotated[float, typer.Option(min=0, help="Seconds to wait for it.")] = 300.0,
    api: Api = None,
    api_key: ApiKey = None,
) -> None:
    """Have an accountant make a certificate of a job's answer, and write it to a file."""
    options = {} if gas_budget is None else {"gas_budget": gas_budget}
    with open_client(api, api_key) as client:
        export = client.export(job, **options)
        client.result(export, wait_s)
        raw = client.certificate(export["id"])
    out.write_bytes(raw)
    typer.echo(f"{len(raw)} bytes in {out}: {described(decode_certificate_file(raw))}")


@app.command(name="show")
def show_(file: CertificatePath) -> None:
    """Print what a certificate says. Nothing of it is checked."""
    certificate = decode_certificate_file(read_file(file, CERTIFICATE_FILE_BYTES_MAX))
    said, walks = certificate.statement, certificate.walks
    typer.echo(described(certificate))
    typer.echo(f"chain {said.chain_id}, genesis 0x{said.genesis.hex()}, up to block {said.height} 0x{said.block.hex()}")
    typer.echo(f"rests on {len(said.outcomes)} outcomes, {said.gas} gas")
    for outcome in said.outcomes:
        typer.echo(f"  0x{outcome.transaction.hex()} outcome 0x{outcome.digest.hex()}")
    typer.echo(f"carries {len(certificate.items)} pieces of evidence, {len(walks.windows)} windows of balances")


@app.command()
def verify(
    file: CertificatePath,
    headers: Annotated[Path, typer.Option(help="Block headers that you trust: `accountant chain headers`.")],
    genesis: Annotated[str | None, typer.Option(help="The hash that genesis must have.")] = None,
    gas_most: Annotated[int, typer.Option(min=0, help="The most gas to execute.")] = GAS_MOST,
    blob: GivenFiles = None,
    blobs: GivenFolder = None,
) -> None:
    """Verify a certificate offline, executing the slice that it carries and nothing else.

    Exit status: 0 if it is valid, 1 if it is refused, and then it says what is at fault, 2 if a file cannot be read,
    or if a published file that the answer rests on is not among those given: then it is neither.
    """
    given = GivenBlobs(blob or (), blobs)
    raw, trusted = read_file(file, CERTIFICATE_FILE_BYTES_MAX), read_file(headers, HEADERS_BYTES_MAX)
    expected = None if genesis is None else genesis_hash(genesis)
    try:
        anchor = decode_headers(trusted)
        check_genesis(anchor, expected)
        verified = verify_certificate(raw, anchor, Gas(gas_most), blobs=given)
    except (CertificateRefused, InvalidHeaders) as error:
        typer.echo(f"refused: {error.detail}")
        raise typer.Exit(_REFUSED) from None
    said = verified.statement
    typer.echo(
        f"valid: {described(CertificateFile(said, decode_certificate_file(raw).walks, ()))} "
        f"(block {said.height} of genesis 0x{said.genesis.hex()}; {verified.gas_executed} gas executed)"
    )


def described(certificate: CertificateFile) -> str:
    """The query and its answer, on one line. Raises `CertificateRefused` where they are none."""
    said = certificate.statement
    try:
        query, answer = decode_query(said.query), decode_answer(said.answer)
    except InvalidEncoding as error:
        raise CertificateRefused("statement", error.detail) from None
    fields = ", ".join(f"{name}={_text(getattr(query, name))}" for name in query.__struct_fields__)
    return f"{type(query).__name__}({fields}) = {_text(answer)}"


def _text(value: object) -> str:
    match value:
        case bytes() if len(value) in (ADDRESS_BYTES, HASH_BYTES):
            return show(account_of(value))
        case bytes():
            return "0x" + value.hex()
        case Position(previous_hash=previous, index=index):
            return f"0x{previous.hex()}:{index}"
        case ViewAnswer(failure=failure, value=returned):
            return f"failed: {failure}" if failure is not None else _text(returned)
        case list() | tuple():
            return "[" + ", ".join(_text(one) for one in value) + "]"
    return str(value).lower() if isinstance(value, bool) else str(value)


def check_genesis(headers: Headers, expected: bytes | None) -> None:
    """Raises `InvalidHeaders` where genesis has another hash than it must have."""
    if expected is not None and headers.hashes[0] != expected:
        raise InvalidHeaders(f"genesis: its hash is 0x{headers.hashes[0].hex()}, not 0x{expected.hex()}")


def read_file(path: Path, bytes_most: int) -> bytes:
    """A file's bytes. Raises `UnreadableFile` where it is too large."""
    size = path.stat().st_size
    if size > bytes_most:
        raise UnreadableFile(f"{path}: {size} bytes, at most {bytes_most} are read")
    return path.read_bytes()


def genesis_hash(text: str) -> bytes:
    """The hash that somebody names genesis by. Raises `UnreadableFile`."""
    try:
        raw = bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        raw = b""
    if len(raw) != HASH_BYTES:
        raise UnreadableFile("a genesis hash is 0x and 64 hex digits")
    return raw
