"""`accountant chain compare` and `withdraw` against two real services, honest and otherwise."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import msgspec
import pytest

from accountant.execution.eager import execute_everything
from accountant.execution.outcome import Movement, Outcome, outcome_digest
from accountant.index.memory import MemoryIndex
from accountant.primitives.types import Seq
from tests.support.command_line import CommandLine, Said
from tests.support.index_chain import RecordedIndex, paying_chain
from tests.support.two_accountants import Accountant, running_accountant

BLOCKS, SIZE = 24, 25
CHAIN = paying_chain(BLOCKS, SIZE)
RIGHT = execute_everything(CHAIN).outcomes
OBSERVABLE = [seq for seq, outcome in enumerate(RIGHT) if outcome.gas_used]


class Two:
    """Two accountants that observed everything, and the command line of the first."""

    def __init__(self, ours: Accountant, theirs: Accountant, run: Callable[..., Said]) -> None:
        self.ours, self.theirs, self.run = ours, theirs, run

    def compare(self, *options: str) -> Said:
        keys = ("--api", self.ours.url, "--api-key", self.ours.key, "--their-key", self.theirs.key)
        return self.run("chain", "compare", self.theirs.url, *keys, *options)


@pytest.fixture
def two(
    make_database: Callable[[], str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Two]:
    with ExitStack() as stack:
        url = make_database()
        ours = stack.enter_context(running_accountant(url, CHAIN))
        theirs = stack.enter_context(running_accountant(make_database(), CHAIN))
        monkeypatch.setenv("DATABASE_URL", url)
        monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
        yield Two(ours, theirs, CommandLine(monkeypatch, capsys))


def observe(accountant: Accountant, skipped: tuple[int, ...] = (), wrong: int | None = None) -> None:
    """Everything but some; one outcome otherwise than it is."""
    for seq in OBSERVABLE:
        if seq not in skipped:
            accountant.observe(seq, corrupted(RIGHT[seq]) if seq == wrong else RIGHT[seq])


def corrupted(outcome: Outcome) -> Outcome:
    """The same with a payment less."""
    return msgspec.structs.replace(outcome, credits=(*outcome.credits[:-1], Movement(b"z" * 20, 1)))


def test_two_that_agree(two: Two) -> None:
    """Exit status 0; with everything observed by running hashes alone, with gaps by digests of what both observed."""
    observe(two.ours)
    observe(two.theirs, skipped=(OBSERVABLE[30], OBSERVABLE[400]))
    said = two.compare("--json")
    assert said.status == 0, said.err
    found = json.loads(said.out.splitlines()[-1])  # the worker's log stands before it
    requests = found.pop("requests")
    count = len(OBSERVABLE)
    assert found == {
        "result": "agree",
        "height": BLOCKS,
        "transactions": BLOCKS * SIZE,
        "outcomes": count - 2,
        "ours": count,
        "theirs": count - 2,
    }
    assert sum(requests.values()) <= 10
    for seq in (OBSERVABLE[30], OBSERVABLE[400]):
        two.theirs.observe(seq, RIGHT[seq])
    said = two.compare()
    assert (said.status, said.out.splitlines()) == (
        0,
        [
            f"agree on {count} outcomes of the {BLOCKS * SIZE} transactions up to height {BLOCKS} "
            f"(ours observed {count}, theirs {count}); 4 requests"
        ],
    )


@pytest.mark.parametrize("gaps", [False, True], ids=["all observed", "gaps"])
def test_the_first_difference_is_found_and_decided(two: Two, gaps: bool) -> None:
    """Exit status 1, both outcomes in short, and by executing who is wrong; what is withdrawn then agrees again."""
    wrong = OBSERVABLE[321]
    observe(two.ours, wrong=wrong)
    observe(two.theirs, skipped=(OBSERVABLE[100], OBSERVABLE[320]) if gaps else ())
    said = two.compare("--execute", "--json")
    assert said.status == 1, said.err
    found = json.loads(said.out.splitlines()[-1])  # the worker's log stands before it
    assert (found["result"], found["seq"], found["outcomes"]) == ("differ", wrong, 321 - 2 * gaps)
    transaction = "0x" + CHAIN.transaction(Seq(wrong)).hash.hex()
    assert found["transaction"] == transaction
    right, ours = ("0x" + outcome_digest(o).hex() for o in (RIGHT[wrong], corrupted(RIGHT[wrong])))
    assert (found["theirs"]["digest"], found["ours"]["digest"], found["digest"]) == (right, ours, right)
    assert (found["ours"]["debits"], found["ours"]["gas_used"]) == (0, RIGHT[wrong].gas_used)
    assert (found["verdict"], int(found["gas_executed"]) > 0) == ("ours_is_wrong", True)
    assert sum(found["requests"].values()) <= 26
    told = two.compare("--execute")
    assert (told.status, "ours is wrong: withdraw it with" in told.out, transaction in told.out) == (1, True, True)
    dry = two.run("chain", "withdraw", transaction, "--dry-run")
    assert (dry.status, dry.out) == (
        0,
        f"1 outcome would be withdrawn, numbers {wrong} to {wrong}; 0 checkpoints with them\n",
    )
    assert two.compare().status == 1
    assert two.run("chain", "withdraw", transaction).status == 0
    said = two.compare()
    assert (said.status, said.out.startswith(f"agree on {len(OBSERVABLE) - 1 - 2 * gaps} ")) == (0, True), said
    assert two.run("chain", "withdraw", transaction) == (
        2,
        "",
        f"accountant: no outcome of transaction {wrong} is stored: nobody observed it, or it needs no execution\n",
    )


def test_theirs_may_be_wrong_or_undecided(two: Two) -> None:
    """The verdict names the other side where that is wrong; a gas budget too small names nobody."""
    wrong = OBSERVABLE[200]
    observe(two.ours)
    observe(two.theirs, wrong=wrong)
    assert "theirs is wrong" in two.compare("--execute").out
    assert "does not suffice" in two.compare("--execute", "--gas-budget", "0").out


def test_another_chain_is_another_chain(
    make_database: Callable[[], str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first block that differs is named, and no outcome is compared."""
    other = RecordedIndex(CHAIN.genesis)
    for block in CHAIN.blocks[:17]:
        other.append(block)
    for block in _continued(17, CHAIN).blocks[17:]:
        other.append(block)
    with (
        running_accountant(make_database(), CHAIN) as ours,
        running_accountant(make_database(), other) as theirs,
    ):
        said = Two(ours, theirs, CommandLine(monkeypatch, capsys)).compare()
    assert said.status == 1
    assert said.out.startswith("the chains differ from height 18 on: ours has 0x")


def _continued(height: int, chain: MemoryIndex) -> RecordedIndex:
    """A chain that is the same up to a height, with later times after it."""
    index = RecordedIndex(chain.genesis)
    for number in range(1, BLOCKS + 1):
        block = chain.block(number)  # type: ignore[arg-type]
        assert block is not None
        located = chain.transactions([Seq(seq) for seq in range(block.first_seq, block.first_seq + block.count)])
        time = chain.genesis.time + number + (number > height)
        index.append_unsigned([(t.sender, t.transaction) for t in located], time)
    return index


@contextmanager
def answering_with(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """The URL of somebody who answers every request in the same way."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def run() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(65_536)
                    try:
                        answer(connection)
                    except OSError:
                        continue

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        listening.shutdown(socket.SHUT_RDWR)
    thread.join(60)


def _with_body(body: bytes, headers: bytes = b"") -> Callable[[socket.socket], None]:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n%s\r\n" % (len(body), headers)
    return lambda connection: connection.sendall(head + body)


def _endless(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n")
    while True:
        connection.sendall(b" " * 65_536)


GOOD = {
    "genesis_hash": "0x" + CHAIN.genesis.hash.hex(),
    "height": 0,
    "block_hash": "0x" + CHAIN.genesis.hash.hex(),
    "transactions": 0,
    "observed": 0,
    "covered_height": 0,
    "running_hash": None,
}
HOSTILE: dict[str, Callable[[socket.socket], None]] = {
    "endless": _endless,
    "nothing": lambda connection: None,
    "not http": lambda connection: connection.sendall(b"\x00" * 64),
    "not json": _with_body(b"hello"),
    "nested": _with_body(b"[" * 400_000),
    "another document": _with_body(b'{"status": "ok"}'),
    "a negative height": _with_body(json.dumps({**GOOD, "height": -1}).encode()),
    "a height like no other": _with_body(json.dumps({**GOOD, "height": 2**63}).encode()),
    "no hash": _with_body(json.dumps({**GOOD, "block_hash": "0x00"}).encode()),
    "compressed": _with_body(b"x", b"Content-Encoding: gzip\r\n"),
    "a redirect": lambda c: c.sendall(b"HTTP/1.1 307 x\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"),
    "an error": lambda c: c.sendall(b'HTTP/1.1 500 x\r\nContent-Length: 20\r\n\r\n{"code":"\\u001b[31m"}'),
    "no running hash of genesis": _with_body(json.dumps(GOOD).encode()),
}


def test_whoever_else_answers_is_reported(two: Two) -> None:
    """Endless, malformed or misleading answers are one line and exit status 2, and nobody else is blamed."""
    for name, answer in HOSTILE.items():
        with answering_with(answer) as url:
            keys = ("--api", two.ours.url, "--api-key", two.ours.key)
            said = two.run("chain", "compare", url, *keys)
        assert (said.status, said.out) == (2, ""), name
        assert said.err.startswith("accountant: the other accountant"), (name, said.err)
        assert said.err.count("\n") == 1
        assert "\x1b" not in said.err
    said = two.compare("--their-key", "wrong")
    assert (said.status, "unauthorized" in said.err) == (2, True)


def test_a_hash_is_asked_for(two: Two) -> None:
    """What names no transaction is refused before anything is looked up."""
    assert two.run("chain", "withdraw", "12").status == 2
    assert two.run("chain", "withdraw", "0x" + "00" * 32).err == "accountant: no such transaction is on the chain\n"
