"""A small IPFS node: the block commands of Kubo's RPC API as it is documented, over a dictionary."""

import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from accountant.primitives.cid import cid_of, parse_cid, show_cid

BLOCK_BYTES_MOST = 1 << 20
"""Larger ones are refused unless `allow-big-block` says otherwise."""


class KuboNode(ThreadingHTTPServer):
    """The server. `blocks`: by the text of their CIDs; `asked`: paths of all requests."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.blocks: dict[str, bytes] = {}
        self.pins: set[str] = set()
        self.asked: list[str] = []

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Whoever asked may have read enough and gone."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


@contextmanager
def kubo_node() -> Iterator[KuboNode]:
    """A node on loopback until the block ends."""
    with KuboNode() as node:
        thread = threading.Thread(target=node.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield node
        finally:
            node.shutdown()
            thread.join(60)


class _Handler(BaseHTTPRequestHandler):
    server: KuboNode
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer(405, b"405 - Method Not Allowed\n")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])) if "Content-Length" in self.headers else b""
        parts = urlsplit(self.path)
        self.server.asked.append(self.path)
        options = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        match parts.path.removeprefix("/api/v0/"):
            case "block/put":
                self._put(options, body)
            case "block/get" | "block/stat" | "block/rm" | "pin/rm" as command:
                self._of_block(command, options)
            case _:
                self._answer(404, b"404 page not found\n")

    def _put(self, options: dict[str, str], body: bytes) -> None:
        form = BytesParser().parsebytes(b"Content-Type: " + self.headers["Content-Type"].encode() + b"\r\n\r\n" + body)
        _, part = form.walk()
        assert options.get("cid-codec", "raw") == "raw" and options.get("mhtype", "sha2-256") == "sha2-256"
        data = part.get_payload(decode=True)
        assert isinstance(data, bytes)
        if len(data) > BLOCK_BYTES_MOST and options.get("allow-big-block") != "true":
            self._fail("produced block is over 1MiB: big blocks can't be exchanged with other peers")
            return
        cid = show_cid(cid_of(data))
        self.server.blocks.setdefault(cid, data)  # a node that has a block does not look at it again
        if options.get("pin") == "true":
            self.server.pins.add(cid)
        self._json({"Key": cid, "Size": len(data)})

    def _of_block(self, command: str, options: dict[str, str]) -> None:
        cid = options.get("arg", "")
        parse_cid(cid)
        blocks, pins = self.server.blocks, self.server.pins
        if command == "pin/rm":
            if cid not in pins:
                self._fail("not pinned or pinned indirectly")
                return
            pins.remove(cid)
            self._json({"Pins": [cid]})
        elif command == "block/rm":
            if cid in pins:
                self._json({"Hash": cid, "Error": "pinned: recursive"})
            elif blocks.pop(cid, None) is None and options.get("force") != "true":
                self._json({"Hash": cid, "Error": "block not found"})
            else:
                self._json({"Hash": cid})
        elif cid not in blocks:
            assert options.get("offline") == "true", "a node that is not told so would ask the whole network"
            self._fail(f"block was not found locally (offline): ipld: could not find {cid}")
        elif command == "block/stat":
            self._json({"Key": cid, "Size": len(blocks[cid])})
        else:
            self._answer(200, blocks[cid], "text/plain")

    def _fail(self, message: str) -> None:
        self._json({"Message": message, "Code": 0, "Type": "error"}, 500)

    def _json(self, document: object, status: int = 200) -> None:
        self._answer(status, json.dumps(document).encode() + b"\n", "application/json")

    def _answer(self, status: int, body: bytes, kind: str = "text/plain") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with suppress(ConnectionError):  # whoever asked has read enough
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""
