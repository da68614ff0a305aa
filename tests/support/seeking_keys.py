"""Looking for a secret in whatever leaves a process: in every form in which somebody might have written it."""

import base64
from collections.abc import Iterator
from pathlib import Path

import psutil


def forms_of(secret: bytes) -> list[bytes]:
    """A secret as bytes, hex, base64 amid a longer text, decimal, and lists of its bytes, either way round."""
    return [form for raw in (secret, secret[::-1]) for form in _forms(raw)]


def _forms(raw: bytes) -> Iterator[bytes]:
    yield raw
    yield raw.hex().encode()
    yield raw.hex().upper().encode()
    yield raw.hex(" ").encode()
    yield str(int.from_bytes(raw, "big")).encode()
    yield repr(raw)[2:-1].encode()
    yield ", ".join(map(str, raw)).encode()
    yield ",".join(map(str, raw)).encode()
    yield "".join(f"\\{byte:03o}" for byte in raw).encode()
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        for before in range(3):  # what precedes and follows it may share its first and last signs
            whole = encode(bytes(before) + raw)
            yield whole[4 * (before > 0) : len(whole) - 4]


def shown_by(forms: list[bytes], text: bytes) -> list[bytes]:
    """The forms of a secret that a text shows."""
    return [form for form in forms if form in text]


def processes_below(root: psutil.Process) -> dict[str, bytes]:
    """What every process below this one, and itself, shows of itself: command line and environment."""
    shown = {}
    for process in (root, *root.children(recursive=True)):
        for name in ("cmdline", "environ", "comm", "status"):
            try:
                shown[f"{process.pid}/{name}"] = Path(f"/proc/{process.pid}/{name}").read_bytes()
            except OSError:  # it has ended
                continue
    return shown
