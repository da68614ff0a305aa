"""Files of contracts are read whole, or refused: nothing that a path names makes the reader wait or fill the memory."""

import os
from pathlib import Path

import pytest

from accountant.language.artefacts import artefact_files, load_artefacts
from accountant.language.compiler import compile_file, compile_source
from accountant.language.files import FILE_BYTES_MAX, UnreadableFile, read_file

NOTHING = b'"""Nothing."""\n'


def test_a_file_is_read_whole(tmp_path: Path) -> None:
    """Also through a link, and also at the very limit."""
    path, link = tmp_path / "nothing.py", tmp_path / "link.py"
    path.write_bytes(NOTHING)
    link.symlink_to(path)
    assert read_file(path) == read_file(link) == NOTHING
    os.truncate(path, FILE_BYTES_MAX)
    assert len(read_file(path)) == FILE_BYTES_MAX


def test_what_never_ends_is_refused(tmp_path: Path) -> None:
    """A pipe that nobody writes to, a device, and a file that is too large."""
    pipe, endless, huge = tmp_path / "pipe.py", tmp_path / "endless.py", tmp_path / "huge.py"
    os.mkfifo(pipe)
    endless.symlink_to("/dev/zero")
    huge.touch()
    os.truncate(huge, FILE_BYTES_MAX + 1)
    for path in (pipe, endless, huge):
        with pytest.raises(UnreadableFile, match=path.name):
            compile_file(path)


def test_folders_and_missing_files_are_errors_of_the_system(tmp_path: Path) -> None:
    """With the system's own words."""
    with pytest.raises(IsADirectoryError):
        read_file(tmp_path)
    with pytest.raises(FileNotFoundError):
        read_file(tmp_path / "none.py")


def test_an_endless_part_of_a_build_is_refused(tmp_path: Path) -> None:
    """No file of a build is read without a limit."""
    for name, data in artefact_files(compile_source(NOTHING, "nothing.py")).items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / "nothing.map").unlink()
    (tmp_path / "nothing.map").symlink_to("/dev/zero")
    assert load_artefacts(tmp_path / "nothing.json").source_map is None
    (tmp_path / "nothing.map").unlink()
    (tmp_path / "nothing.map").touch()
    os.truncate(tmp_path / "nothing.map", FILE_BYTES_MAX + 1)
    with pytest.raises(UnreadableFile, match=r"nothing\.map"):
        load_artefacts(tmp_path / "nothing.json")
