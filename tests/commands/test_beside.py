"""The settings of another accountant on the machine, and who pays for its oaths."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from accountant.commands.beside import InvalidBeside, beside, join
from accountant.node.joining import NoGenesis
from accountant.settings import Settings
from tests.support.nodes import node_of_folder
from tests.support.whole_chain import begin_chain

FIRST = Settings(data_dir=Path("data"), api_port=8000, dashboard_port=8002, node_port=8001)


def test_it_shares_nothing_with_the_first() -> None:
    """Folders, ports, keys and the node's URL are its own, whatever the first one's environment names."""
    first = FIRST.model_copy(
        update={
            "chain_dir": Path("/chain"),
            "accountant_key": Path("/key"),
            "proposer_key": Path("/proposer"),
            "key_password_file": Path("/password"),
            "node_url": "http://10.0.0.1:9",
        }
    )
    second = beside(first, "second", 8100)
    assert second.data_dir == Path("data-second")
    assert (second.api_port, second.node_port, second.node) == (8100, 8101, "http://127.0.0.1:8101")
    assert second.node_peers == "http://10.0.0.1:9"
    own = (second.chain_folder, second.accountant_key_path, second.proposer_key_path, second.key_password_path)
    assert all(path.is_relative_to("data-second") for path in own)
    theirs = (first.data_dir, first.chain_folder)
    assert not any(path.is_relative_to(their) for path in own for their in theirs)


def test_whom_it_follows() -> None:
    """The node that is named, else the peers of the settings, else the first one's own node."""
    assert beside(FIRST, "b").node_peers == "http://127.0.0.1:8001"
    named = FIRST.model_copy(update={"node_peers": "http://10.0.0.1:1 http://10.0.0.2:1"})
    assert beside(named, "b").node_peers == "http://10.0.0.1:1 http://10.0.0.2:1"
    assert beside(named, "b", follow="http://10.0.0.3:1").node_peers == "http://10.0.0.3:1"
    assert (beside(FIRST, "b", 0).api_port, beside(FIRST, "b", 0).node_port) == (0, 0)


@pytest.mark.parametrize("name", ["", "..", "a/b", "A", "1st", "a" * 33, "ä"])
def test_a_name_that_could_leave_its_folder_is_refused(name: str) -> None:
    """Letters, digits and dashes alone."""
    with pytest.raises(InvalidBeside, match="names no accountant"):
        beside(FIRST, name)


def test_what_cannot_be_shared_is_refused() -> None:
    """A database that the environment names would be the first one's; a port needs one after it."""
    urls = {"database_url": SecretStr("postgresql://a"), "redis_url": SecretStr("redis://b")}
    with pytest.raises(InvalidBeside, match="DATABASE_URL"):
        beside(FIRST.model_copy(update=urls), "b")
    with pytest.raises(InvalidBeside, match="65535"):
        beside(FIRST, "b", 65_535)


def test_the_faucet_pays_once_where_it_is_at_hand(tmp_path: Path) -> None:
    """A new accountant is paid for ten purses; one that waits for that money, or whose chain folder has no faucet,
    is not; it then says what it lacks. Without a node there is nothing to begin with."""
    first = FIRST.model_copy(update={"data_dir": tmp_path / "data"})
    with pytest.raises(NoGenesis):
        join(beside(first, "second", follow="http://127.0.0.1:1"), first.chain_folder)
    begin_chain(first.chain_folder)
    begin_chain(tmp_path / "another")
    with node_of_folder(first.chain_folder) as url:
        second = beside(first, "second", follow=url)
        wanted = 10 * second.oath_deposit + second.oath_alarm
        poor = join(second, tmp_path / "nothing")
        assert (poor.paid, poor.lacks) == (0, wanted)
        assert join(second, tmp_path / "another") == poor
        paid = join(second, first.chain_folder)
        assert paid == poor._replace(paid=wanted, lacks=0)
    assert join(second, first.chain_folder) == paid._replace(paid=0)  # nobody to ask, and it starts all the same
