"""An oath read without an accountant: from a proof, or from what `GET /v1/oaths` said, and trusted headers."""

import json
from pathlib import Path
from typing import Any

from accountant.accounting.proof.inclusion import PATH_MOST
from accountant.api.oath_views import StandingView, SwornPartView
from accountant.chain.headers import HEADERS_BYTES_MAX, Headers, decode_headers
from accountant.chain.transaction import TRANSACTION_BYTES_MAX
from accountant.commands.certificate import check_genesis, genesis_hash, read_file
from accountant.oath.counts import OathStanding
from accountant.oath.oath import Oath
from accountant.oath.proof import OATH_PROOF_BYTES_MAX, OATH_PROOF_MAGIC, OathProofRefused, check_inclusion, check_proof
from accountant.primitives.encoding import encode
from accountant.services.oaths import sworn_on_chain

_MAGIC = encode(OATH_PROOF_MAGIC)


def read_offline(path: Path, headers: Path, genesis: str | None) -> dict[str, Any]:
    """An oath as `GET /v1/oaths` shows it, each field of it read from bytes that lead to a root in trusted headers.

    `standing` is None where the file shows the oath's place alone. Raises `OathProofRefused`, `InvalidHeaders`,
    `UnreadableFile`.
    """
    raw, trusted = read_file(path, OATH_PROOF_BYTES_MAX), read_file(headers, HEADERS_BYTES_MAX)
    expected = None if genesis is None else genesis_hash(genesis)
    anchor = decode_headers(trusted)
    check_genesis(anchor, expected)
    if raw[1 : 1 + len(_MAGIC)] == _MAGIC:
        proved = check_proof(raw, anchor)
        return _shown(proved.oath, proved.standing)
    return _shown(_of_answer(raw, anchor), None)


def _of_answer(raw: bytes, headers: Headers) -> Oath:
    """The oath in a saved answer of `GET /v1/oaths`: its bytes and its path, and nothing else that the answer says."""
    try:
        answer = json.loads(raw)
        inclusion, sworn = answer["inclusion"], _bytes(answer["sworn"]["raw"], TRANSACTION_BYTES_MAX)
        height, index = inclusion["height"], inclusion["index"]
        if type(height) is not int or type(index) is not int or len(inclusion["path"]) > PATH_MOST:
            raise ValueError
        path = [_bytes(node, 32) for node in inclusion["path"]]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise OathProofRefused(
            "file", "it is no proof of an oath, and no answer about one that is in a block"
        ) from None
    return check_inclusion(sworn, height, index, path, headers)


def _bytes(text: str, most: int) -> bytes:
    if not text.startswith("0x") or len(text) > 2 + 2 * most:
        raise ValueError
    return bytes.fromhex(text[2:])


def _shown(oath: Oath, standing: OathStanding | None) -> dict[str, Any]:
    return {
        "state": "included",
        "sworn": SwornPartView.of(sworn_on_chain(oath)).model_dump(mode="json"),
        "height": oath.located.height,
        "standing": None if standing is None else StandingView.of(standing).model_dump(mode="json"),
    }
