"""Native code in a folder: what is kept comes back whole, and nothing that others could have written is loaded."""

import os
from pathlib import Path

import pytest

from accountant.contracts.engine import ModuleCache
from accountant.storage.compiled import CompiledFolder, UnsafeFolder
from tests.support.wat import main_module


class Watched(CompiledFolder):
    """Remembers what came from the folder."""

    loads: list[bool]

    def load(self, name: str) -> bytes | None:
        native = super().load(name)
        self.loads = [*getattr(self, "loads", []), native is not None]
        return native


def test_what_is_kept_comes_back(tmp_path: Path) -> None:
    """The same bytes, for any process of the user; nothing for another name."""
    CompiledFolder(tmp_path / "native").keep("name", b"code" * 1_000)
    again = CompiledFolder(tmp_path / "native")
    assert again.load("name") == b"code" * 1_000
    assert again.load("other") is None
    again.keep("name", b"")
    assert again.load("name") == b""


def test_folder_and_files_are_private(tmp_path: Path) -> None:
    """The folder has mode 0700, also if it was there with another, and files 0600; nothing else is left behind."""
    path = tmp_path / "native"
    path.mkdir(mode=0o755)
    CompiledFolder(path).keep("name", b"code")
    assert path.stat().st_mode & 0o777 == 0o700
    assert [(file.name, file.stat().st_mode & 0o777) for file in path.iterdir()] == [("name", 0o600)]


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o644])
def test_files_that_others_may_touch_are_not_loaded(tmp_path: Path, mode: int) -> None:
    """A file with any right for group or others counts as not there."""
    folder = CompiledFolder(tmp_path / "native")
    folder.keep("name", b"code")
    (tmp_path / "native" / "name").chmod(mode)
    assert folder.load("name") is None


def test_links_and_broken_files_are_not_loaded(tmp_path: Path) -> None:
    """A link, a file that was cut or altered, and one of another kind count as not there."""
    folder = CompiledFolder(tmp_path / "native")
    folder.keep("name", b"code" * 10)
    kept = tmp_path / "native" / "name"
    (tmp_path / "native" / "link").symlink_to(kept)
    assert folder.load("link") is None
    whole = kept.read_bytes()
    for broken in (b"", whole[:-1], whole[:20], whole[:-1] + b"x", b"x" + whole[1:], b"code" * 10):
        kept.write_bytes(broken)
        assert folder.load("name") is None
    kept.write_bytes(whole)
    assert folder.load("name") == b"code" * 10


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_files_and_folders_of_others_are_refused(tmp_path: Path) -> None:
    """A file that belongs to another user counts as not there; a folder of another user is UnsafeFolder."""
    folder = CompiledFolder(tmp_path / "native")
    folder.keep("name", b"code")
    os.chown(tmp_path / "native" / "name", 65_534, 65_534)
    assert folder.load("name") is None
    os.chown(tmp_path / "native", 65_534, 65_534)
    with pytest.raises(UnsafeFolder, match="native"):
        CompiledFolder(tmp_path / "native")


def test_what_is_no_folder(tmp_path: Path) -> None:
    """A file or a link where the folder should be is UnsafeFolder."""
    (tmp_path / "file").write_text("")
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    for name in ("file", "link"):
        with pytest.raises(UnsafeFolder, match=name):
            CompiledFolder(tmp_path / name)


def test_the_folder_stays_small(tmp_path: Path) -> None:
    """Beyond its size the files that were used longest ago go."""
    folder = CompiledFolder(tmp_path / "native", bytes_most=3_200)
    for number, name in enumerate("abc"):
        folder.keep(name, bytes(1_000))
        os.utime(tmp_path / "native" / name, (number, number))
    assert folder.load("a") is not None
    folder.keep("d", bytes(1_000))
    assert sorted(file.name for file in (tmp_path / "native").iterdir()) == ["a", "c", "d"]


def test_a_folder_that_vanished_costs_time_alone(tmp_path: Path) -> None:
    """Keeping where nothing can be written is no error."""
    folder = CompiledFolder(tmp_path / "native")
    (tmp_path / "native").rmdir()
    folder.keep("name", b"code")
    assert folder.load("name") is None


def test_modules_are_loaded_rather_than_compiled_again(tmp_path: Path) -> None:
    """A second cache loads what the first one compiled; what the engine does not take is compiled and kept anew."""
    code = main_module("(call $return_int (i64.const 1))")
    folder = Watched(tmp_path / "native")
    first = ModuleCache(folder).get(code)
    assert ModuleCache(folder).get(code).pages == first.pages == 1
    (kept,) = (tmp_path / "native").iterdir()
    folder.keep(kept.name, b"of another engine")
    ModuleCache(folder).get(code)
    ModuleCache(folder).get(code)
    assert folder.loads == [False, True, True, True]
    assert folder.load(kept.name) != b"of another engine"
