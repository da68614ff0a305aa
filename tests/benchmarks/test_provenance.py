"""The walks of `benchmarks.provenance` at a small size: all three find the same edges."""

from accountant.storage.embedded import EmbeddedServers
from benchmarks.provenance import Backend, Crowd, bare, crowd, in_memory, measure, observe, ours, records, stored

TRANSFERS = 60


def _walks_agree(made: Crowd, backend: Backend) -> None:
    observe(backend.new_index(), backend.outcomes())
    root = made.roots[-1]
    found = ours(backend, root)
    assert len(found) > TRANSFERS // 2 and sum(map(len, found.values())) >= len(found) - 1
    assert all(consulted < seq for seq, edges in found.items() for consulted in edges)
    assert bare(found, root) == found
    assert {seq: sorted(edges) for seq, edges in records(backend, root).items()} == {
        seq: sorted(edges) for seq, edges in found.items()
    }


def test_the_walks_agree_in_memory() -> None:
    """The executor's look-ups find what is recorded with the outcomes, and point backwards."""
    made = crowd(TRANSFERS)
    _walks_agree(made, in_memory(made))


def test_the_walks_agree_over_the_servers(servers: EmbeddedServers) -> None:
    """Postgres and Valkey answer as memory does, and there is a rate for each walk."""
    made = crowd(TRANSFERS)
    with stored(made, servers) as backend:
        _walks_agree(made, backend)
        rates = measure(made, backend, rounds=1)
    assert rates.keys() == {"ours", "records", "bare"} and all(rate > 0 for rate in rates.values())
