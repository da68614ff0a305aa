"""`accountant contract new` and `test`: a newcomer's first contract passes its tests, and failing ones say so."""

import subprocess
import sys
from pathlib import Path

import pytest

from accountant.commands import contract_test
from accountant.commands.contract_new import NotNew, new
from accountant.commands.contract_templates import CONTRACT, Template

_GUIDE = Path(__file__).parents[2] / "docs" / "contracts.md"


def _accountant(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    argv = [str(Path(sys.executable).with_name("accountant")), "contract", *arguments]
    return subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=False)


def test_a_new_contract_passes_its_tests(tmp_path: Path) -> None:
    """Both files are written, the folder made, and `test` on the contract runs the tests beside it."""
    written = _accountant(tmp_path, "new", "tally", "--into", "first/steps")
    assert (written.returncode, written.stdout.split()) == (
        0,
        ["first/steps/tally.py", "first/steps/test_tally.py"],
    )
    tested = _accountant(tmp_path, "test", "first/steps/tally.py")
    assert tested.returncode == 0, tested.stdout
    assert "2 passed" in tested.stdout
    assert sorted(path.name for path in (tmp_path / "first" / "steps").glob("*.py")) == ["tally.py", "test_tally.py"]


def test_a_new_network_learns(tmp_path: Path) -> None:
    """The other template is a network, whose tests train it."""
    assert _accountant(tmp_path, "new", "brain", "--template", "network").returncode == 0
    tested = _accountant(tmp_path, "test", "brain.py")
    assert tested.returncode == 0, tested.stdout
    assert "2 passed" in tested.stdout


@pytest.mark.parametrize("template", Template)
def test_a_type_checker_follows_a_new_contract(template: Template, tmp_path: Path) -> None:
    """Contract and tests pass `mypy --strict` in a folder of their own: the package is found, and is typed."""
    new("tally", tmp_path, template)
    cache = Path(__file__).parents[2] / ".mypy_cache" / "contract"
    argv = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(cache), "tally.py", "test_tally.py"]
    checked = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout


def test_a_failing_test_is_status_1_and_names_the_line(tmp_path: Path) -> None:
    """The report shows the source line of the contract that failed."""
    new("tally", tmp_path)
    tests = tmp_path / "test_tally.py"
    tests.write_text(
        "def test_counts(chain):\n"
        "    alice = chain.account('alice')\n"
        "    assert chain.deploy('tally.py', sender=alice).count(0, sender=alice)\n"
    )
    tested = _accountant(tmp_path, "test", str(tests))
    line = CONTRACT.splitlines().index('    assert times > 0, "count at least once"') + 1
    assert tested.returncode == 1
    assert f"<tally.count: failed, 'count at least once' at tally.py:{line}, gas" in tested.stdout


def test_a_contract_that_does_not_compile_is_told_by_its_own_line(tmp_path: Path) -> None:
    """The report is the compiler's one line with its advice, and nothing of the compiler's own code."""
    new("tally", tmp_path)
    source = tmp_path / "tally.py"
    source.write_text(source.read_text().replace("times > 0", "times / 2 > 0"))
    tested = _accountant(tmp_path, "test", "tally.py")
    line = source.read_text().splitlines().index('    assert times / 2 > 0, "count at least once"') + 1
    assert tested.returncode == 1
    assert f"tally.py:{line}:" in tested.stdout
    assert "//" in tested.stdout
    assert "operator_checker" not in tested.stdout


@pytest.mark.parametrize("text", ["def test(:\n", "import nothing_of_this_name\n", "x = 1\n"])
def test_tests_that_cannot_be_run_are_status_2(tmp_path: Path, text: str) -> None:
    """A file that does not import, or holds no test, is bad input."""
    (tmp_path / "test_token.py").write_text(text)
    assert _accountant(tmp_path, "test", "test_token.py").returncode == 2


def test_the_project_around_a_contract_has_no_say(tmp_path: Path) -> None:
    """A pytest configuration further up, for other tests, changes nothing; several contracts are tested at once."""
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --strict-config\nno_such_option = 1\n")
    for name in ("tally", "other"):
        new(name, tmp_path / name)
    tested = _accountant(tmp_path, "test", "tally/tally.py", "other/test_other.py")
    assert tested.returncode == 0, tested.stderr
    assert "4 passed" in tested.stdout


def test_a_contract_without_tests_is_named(tmp_path: Path) -> None:
    """One line says where its tests would be; the status is 2."""
    (tmp_path / "token.py").write_text("")
    done = _accountant(tmp_path, "test", "token.py")
    assert (done.returncode, done.stderr) == (2, "accountant: token.py has no tests: they would be in test_token.py\n")


@pytest.mark.parametrize("name", ["token.py", "test_token.py", "token.wasm", "."])
def test_what_is_no_contract_is_refused(tmp_path: Path, name: str) -> None:
    """A file that is not there, a folder, or one that is not Python."""
    (tmp_path / "token.wasm").write_text("")
    with pytest.raises(contract_test.MissingTests, match="no contract and no test file"):
        contract_test.tests_of(tmp_path / name)


@pytest.mark.parametrize("name", ["", "Token", "1st", "a-b", "a/b", "class", "chain", "test_token", "a" * 65])
def test_a_name_that_no_module_can_have_is_refused(tmp_path: Path, name: str) -> None:
    """The file must be importable, and the test file must tell it from its own names."""
    with pytest.raises(NotNew, match="is no contract's name"):
        new(name, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("there", ["token.py", "test_token.py"])
def test_nothing_is_overwritten(tmp_path: Path, there: str) -> None:
    """If either file is there, neither is written."""
    (tmp_path / there).write_text("mine")
    with pytest.raises(NotNew, match="is there already"):
        new("token", tmp_path)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["mine"]


def test_the_guide_shows_what_is_written() -> None:
    """The contract in the guide is the one that `new` writes."""
    assert CONTRACT in _GUIDE.read_text()
