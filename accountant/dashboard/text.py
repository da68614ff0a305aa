"""How numbers, times and bytes are written on pages: the same everywhere, in UTC, whatever the locale."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from urllib.parse import quote

from accountant.primitives.addresses import account_of, show
from accountant.primitives.types import UNITS_PER_TOKEN

_SHORT_HEAD, _SHORT_TAIL = 10, 6
_AGES = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def whole(number: float | None) -> str:
    """A whole number in groups of three: 1 234 567, with thin spaces. Nothing for none."""
    return "–" if number is None else f"{int(number):,}".replace(",", "\u202f")


def precise(number: float | None) -> str:
    """A number with six digits: 0.001234, 1234.56, 1 234 567."""
    if number is None:
        return "–"
    return whole(number) if abs(number) >= 100_000 else f"{number:.6g}"


def share(part: float, of: float) -> str:
    """A share in percent: 12.3 %. Nothing of nothing is nothing."""
    return "–" if not of else f"{100 * part / of:.1f} %"


def units(amount: int | None) -> str:
    """Base units as tokens: 1.5 is 1 500 000 000 units. Every unit is shown."""
    if amount is None:
        return "–"
    tokens, rest = divmod(abs(amount), UNITS_PER_TOKEN)
    digits = f"{rest:09d}".rstrip("0")
    sign = "-" if amount < 0 else ""
    return f"{sign}{whole(tokens)}{'.' + digits if digits else ''}"


def moment(at: datetime | None) -> str:
    """A time in UTC: 2026-11-30 08:15:02."""
    return "–" if at is None else at.astimezone(UTC).isoformat(" ", "seconds").removesuffix("+00:00")


@lru_cache(4_096)
def unix(seconds: int | None) -> str:
    """The same of Unix seconds, which a chain may have set to anything. Pages name the same ones again and again."""
    if seconds is None:
        return "–"
    try:
        return moment(datetime.fromtimestamp(seconds, UTC))
    except (ValueError, OverflowError, OSError):
        return f"{seconds} s"


def span(length: timedelta | float | None) -> str:
    """A length of time in its two largest units: 2 h 5 min; below a minute with decimals: 1.25 s."""
    if length is None:
        return "–"
    seconds = length.total_seconds() if isinstance(length, timedelta) else float(length)
    if abs(seconds) < 60:
        return f"{seconds:.3g} s"
    left = int(abs(seconds))
    parts: list[str] = []
    for size, name in _AGES:
        if left >= size and len(parts) < 2:
            parts.append(f"{left // size} {name}")
            left %= size
    return ("-" if seconds < 0 else "") + " ".join(parts)


def ago(at: datetime | None) -> str:
    """How long ago something was."""
    return "never" if at is None else f"{span(max(timedelta(), datetime.now(UTC) - at))} ago"


def hexed(data: bytes | None) -> str:
    """Bytes as hex."""
    return "–" if data is None else f"0x{data.hex()}"


def short(data: bytes | str | None) -> str:
    """The two ends of something long; pages put the whole beside it, for copying."""
    if data is None:
        return "–"
    whole_text = data if isinstance(data, str) else hexed(data)
    if len(whole_text) <= _SHORT_HEAD + _SHORT_TAIL + 1:
        return whole_text
    return f"{whole_text[:_SHORT_HEAD]}…{whole_text[-_SHORT_TAIL:]}"


@lru_cache(4_096)
def account(data: bytes) -> str:
    """An account as it is shown: a user with its checksum, a contract in hex."""
    return show(account_of(data)) if len(data) in (20, 32) else hexed(data)


_OPERATIONS = {"fit": "training", "predict": "inference", "init_model": "new weights", "grad": "gradients"}
_REFERENCES = {1: "an upload", 2: "saved by an outcome", 3: "a checkpoint"}


def operation(kind: str | None) -> str:
    """An operation on tensors in words; those without words of their own by their name."""
    return "–" if kind is None else _OPERATIONS.get(kind, kind)


def reference(kind: int) -> str:
    """What keeps a blob (`storage.blob_rows.ReferenceKind`); one that is not known here, by its number."""
    return _REFERENCES.get(kind, f"kind {kind}")


def printed(data: bytes) -> str:
    """Bytes that are text as text, others as hex."""
    text = data.decode("ascii", "replace")
    return text if text.isprintable() and "\ufffd" not in text else hexed(data)


@lru_cache(4_096)
def urlencoded(text: str) -> str:
    """A text as a part of an address. Pages name the same things again and again."""
    return quote(text)


FILTERS = {
    "operation": operation,
    "reference": reference,
    "printed": printed,
    "whole": whole,
    "precise": precise,
    "units": units,
    "moment": moment,
    "unix": unix,
    "span": span,
    "ago": ago,
    "hex": hexed,
    "short": short,
    "account": account,
    "unhex": bytes.fromhex,
    "urlencode": urlencoded,
}
