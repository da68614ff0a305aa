"""The documents name what exists: files, functions, tests, commands, settings, links."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from accountant.cli import build
from accountant.settings import Settings, variable_of

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted(
    [*ROOT.glob("*.md"), ROOT / "accountant" / "README.md", *(ROOT / "docs").rglob("*.md")],
)
PAPER = ROOT / "docs" / "paper.md"
DECISIONS = ROOT / "docs" / "decisions"

_CODE = re.compile(r"`([^`\n]+)`")
_FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_OURS = re.compile(r"(?:accountant|workers|tests|docs|benchmarks|migrations|deploy|\.ci)/[\w./-]*")
_NAMED = re.compile(r"(?P<path>[\w./-]+\.py)(?:::|:)(?P<name>[A-Za-z_][\w.]*)")
_VARIABLE = re.compile(r"\b(?:ANH_[A-Z_]+[A-Z]|DATABASE_URL|REDIS_URL)\b")


@cache
def _names(path: Path) -> frozenset[str]:
    """Names that a module defines at its top, and `Class.name` for what its classes define."""
    names: set[str] = set()

    def add(body: list[ast.stmt], before: str) -> None:
        for statement in body:
            match statement:
                case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                    names.add(before + name)
                case ast.ClassDef(name=name, body=inner):
                    names.add(before + name)
                    add(inner, f"{before}{name}.")
                case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                    names.add(before + name)
                case _:
                    pass

    add(ast.parse(path.read_text()).body, "")
    return frozenset(names)


def _missing(token: str) -> str | None:
    """What is wrong with a reference to the repository in backticks; None if nothing is, or if it is none."""
    named = _NAMED.fullmatch(token)
    path = named["path"] if named else token
    if not _OURS.fullmatch(path):
        return None
    if not (ROOT / path).exists():
        return f"no file {path}"
    if named and named["name"] not in _names(ROOT / path):
        return f"{path} has no {named['name']}"
    return None


def _tokens(text: str) -> list[str]:
    return _CODE.findall(_FENCE.sub("", text))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_a_document_names_exists(document: Path) -> None:
    """Every file, function and test named in backticks exists, and every relative link leads somewhere."""
    text = document.read_text()
    wrong = [problem for token in _tokens(text) if (problem := _missing(token)) is not None]
    for target in _LINK.findall(_FENCE.sub("", text)):
        if "://" not in target and not target.startswith("#"):
            place = document.parent / target.partition("#")[0]
            if not place.exists():
                wrong.append(f"no {target} beside {document.name}")
    assert not wrong


def test_a_wrong_name_would_be_noticed() -> None:
    """The check tells what exists from what does not."""
    assert _missing("accountant/accounting/pay.py:verify_payment") is None
    assert _missing("tests/test_docs.py::test_a_wrong_name_would_be_noticed") is None
    assert _missing("accountant/accounting/pay.py:verify_nothing") is not None
    assert _missing("tests/accounting/test_pay.py::test_nothing") is not None
    assert _missing("accountant/nowhere.py") is not None


def test_settings_that_documents_name_exist() -> None:
    """A misspelt variable would be ignored in silence."""
    known = {variable_of(name) for name in Settings.model_fields}
    for document in DOCUMENTS:
        named = set(_VARIABLE.findall(document.read_text()))
        assert named <= known, f"{document.name}: {named - known}"


def test_commands_that_documents_name_exist() -> None:
    """`make TARGET` is in the Makefile, `make bench NAME=…` a benchmark, `accountant COMMAND` a command."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    benchmarks = {path.stem for path in (ROOT / "benchmarks").glob("[a-z]*.py")}
    root = build(None)
    commands = {command.name for command in root.registered_commands} | {group.name for group in root.registered_groups}
    for document in DOCUMENTS:
        text = document.read_text()
        code = "\n".join([*_CODE.findall(text), *_FENCE.findall(text)])
        assert set(re.findall(r"^make ([a-z-]+)", code, re.MULTILINE)) <= targets, document.name
        assert set(re.findall(r"make bench NAME=([a-z]+)", code)) <= benchmarks, document.name
        used = set(re.findall(r"^(?:\.venv/bin/)?accountant ([a-z]+)\b", code, re.MULTILINE))
        assert used <= commands, f"{document.name}: {used - commands}"


def test_the_readme_has_the_two_commands() -> None:
    """A newcomer finds `make demo` and `make test`."""
    text = (ROOT / "README.md").read_text()
    assert "make demo" in text
    assert "make test" in text


def _rows() -> list[list[str]]:
    """The rows of the paper's tables: place, what carries it out, what tests it, what is missing."""
    lines = [line for line in PAPER.read_text().splitlines() if line.startswith("|")]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [row for row in rows if row[0] != "Paper" and not set(row[0]) <= {"-"}]


def test_every_row_of_the_paper_is_carried_out_and_tested_or_says_what_is_missing() -> None:
    """Four cells; code comes with a test and a test with code; without both the last cell says that it is missing."""
    rows = _rows()
    assert len(rows) > 40
    for row in rows:
        assert len(row) == 4, row
        place, code, tests, missing = row
        carried = [token for token in _CODE.findall(code) if _OURS.match(token)]
        tested = [token for token in _CODE.findall(tests) if token.startswith("tests/")]
        assert bool(carried) == bool(tested), place
        assert carried or missing, place
        assert all("::" in token for token in tested), f"{place}: name the test"


def test_nothing_numbered_in_the_paper_is_left_out() -> None:
    """All definitions, lemmas, algorithms, the three cases of Figure 1 and both fee rules have a row."""
    places = "\n".join(row[0] for row in _rows())
    numbered = [
        *(f"Definition {number}" for number in (1, 2, 3)),
        *(f"Lemma {number}" for number in (1, 2)),
        *(f"Algorithm {number}" for number in range(1, 6)),
        *(f"Figure 1{case}" for case in "abc"),
        *(f"Fee rule {number}" for number in (1, 2)),
    ]
    assert [name for name in numbered if name not in places] == []


def test_decisions_are_numbered_and_listed() -> None:
    """One number each, without gaps, in the file's name, its heading and the index."""
    files = sorted(path for path in DECISIONS.glob("*.md") if path.name != "README.md")
    index = (DECISIONS / "README.md").read_text()
    for number, path in enumerate(files, start=1):
        assert path.name.startswith(f"{number:04d}-"), path.name
        heading = path.read_text().splitlines()[0]
        assert heading.startswith(f"# {number}. "), path.name
        assert f"[{number}]({path.name}) | {heading.partition('. ')[2]} |" in index, path.name
