"""Which pages of the dashboard are of one kind: they differ only in what they are about."""

import re

_ABOUT = re.compile(
    r"(?<==)[^&]*|0x[0-9a-fA-F]+|[0-9a-fA-F]{16,}|(?<=/series/)\w+|(?<=/blobs/)\w+|(?<=/)-?\d+(?=[/?]|$)", re.ASCII
)


def shape_of(path: str) -> str:
    """An address with a star in place of each number, hash, name and value."""
    return _ABOUT.sub("*", path)
