"""Reading the files of contracts: sources, and what a build made of them."""

import stat
from pathlib import Path

from accountant.primitives.errors import AccountantError

FILE_BYTES_MAX = 32 * 1024 * 1024
"""More than any file that the compiler takes or makes."""


class UnreadableFile(AccountantError):
    """A path that names no file, or one that no contract has."""

    code = "unreadable_file"


def read_file(path: Path) -> bytes:
    """The whole file. Pipes and devices are refused: reading them may never end.

    Raises `UnreadableFile`, and `OSError` where there is nothing to read.
    """
    mode = path.stat().st_mode
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise UnreadableFile(f"{path} is no file but a pipe, a device or a socket")
    with path.open("rb") as file:
        data = file.read(FILE_BYTES_MAX + 1)
    if len(data) > FILE_BYTES_MAX:
        raise UnreadableFile(f"{path} has more than {FILE_BYTES_MAX >> 20} MiB, which no file of a contract has")
    return data
