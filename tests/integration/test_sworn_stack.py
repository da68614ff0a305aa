"""A whole accountant that swears and watches: audits come by themselves, and its key is nowhere to be seen."""

import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import psutil
import psycopg
import pytest
import redis
from psycopg import sql
from pydantic import SecretStr

from accountant.api.app import openapi_document
from accountant.client import AccountantClient, ApiProblem
from accountant.node.devnet import devnet_in
from accountant.node.keystore import ensure_password, read_key, write_key
from accountant.primitives.addresses import show
from accountant.primitives.keys import PrivateKey
from accountant.primitives.types import UNITS_PER_TOKEN
from accountant.settings import LogLevel, Settings
from accountant.storage.database import plain_url
from accountant.storage.embedded import EmbeddedServers
from accountant.supervisor.process import ProcessSpec
from accountant.supervisor.processes import processes
from accountant.supervisor.stack import Stack
from tests.support.chains import ALICE, BOB, transfer
from tests.support.processes import wait_until
from tests.support.seeking_keys import forms_of, processes_below, shown_by
from tests.support.servers import reachable_folder
from tests.support.small_stack import QUICK
from tests.support.whole_chain import begin_chain

KEY = PrivateKey.from_seed(b"the accountant's own key, for a test that looks for it")
PARTS = ("node", "indexer", "api", "worker", "dispatcher", "signer", "publisher")
PATIENCE_S = 90.0
INTERVAL_S = 10
"""The least that a watch list takes."""


class Sworn(NamedTuple):
    """A running accountant whose key is known, with a purse and an oath on it."""

    stack: Stack
    client: AccountantClient
    folder: Path
    secrets: list[bytes]
    """The key and the password that guards it, in all their forms."""
    purse: str
    oath: str


@pytest.fixture(scope="module")
def sworn(servers: EmbeddedServers, module_database_url: str) -> Iterator[Sworn]:
    with ExitStack() as opened:
        folder = opened.enter_context(reachable_folder())
        opened.enter_context(redis.Redis.from_url(servers.redis_url)).flushall()
        settings = Settings(
            database_url=SecretStr(module_database_url),
            redis_url=SecretStr(servers.redis_url),
            data_dir=folder / "data",
            api_port=0,
            node_port=0,
            block_interval_s=0.2,
            worker_concurrency=1,
            oath_deposit=10 * UNITS_PER_TOKEN,
            log_level=LogLevel.DEBUG,
        )
        places = devnet_in(settings.chain_folder)
        password = ensure_password(places.password)
        write_key(places.accountant_key, KEY, password, work=2**12)
        begin_chain(settings.chain_folder)

        def some(with_ports: Settings) -> Sequence[ProcessSpec]:
            return tuple(replace(spec, backoff=QUICK) for spec in processes(with_ports) if spec.name in PARTS)

        stack = opened.enter_context(Stack(settings, processes=some))
        assert stack.api_key is not None
        client = opened.enter_context(AccountantClient(stack.api_url, stack.api_key))
        payment = client.submit(transfer(ALICE, 0, BOB.address, zero=5))
        wait_until(lambda: _on_chain(client, payment), PATIENCE_S)
        job = client.verify_payment(payment, swear=True)
        assert client.result(job, PATIENCE_S)["verdict"] == "accepted"
        wait_until(lambda: client.job(job["id"])["oath"] is not None, PATIENCE_S)
        oath = client.job(job["id"])["oath"]
        wait_until(lambda: client.oath(oath)["standing"] is not None, PATIENCE_S)
        said = client.oath(oath)
        assert said["standing"]["counts"] is True and said["sworn"]["swearer"] == show(KEY.address)
        secrets = [*forms_of(KEY.secret), *forms_of(password)]
        yield Sworn(stack, client, folder, secrets, said["sworn"]["purse"], oath)


def _on_chain(client: AccountantClient, name: str) -> bool:
    with suppress(ApiProblem):
        return bool(client.transaction(name))
    return False


def test_a_watched_purse_is_audited_by_itself(sworn: Sworn) -> None:
    """Put on the watch list of a running accountant, a purse is audited at once and again after the interval: nobody
    asks, the dispatcher does, a worker executes the oath, and history and trust show it."""
    client = sworn.client
    client.watch(sworn.purse, INTERVAL_S, gas_budget=str(10**9))
    wait_until(lambda: len(client.audits(contract=sworn.purse)["items"]) >= 2, PATIENCE_S)
    later, first = client.audits(contract=sworn.purse)["items"][:2]
    assert (first["owner"], first["coverage_per_mille"]) == (show(KEY.address), 1_000)
    assert (first["oaths"], first["lies"]) == (1, 0)
    assert first["deposit"] == str(10 * UNITS_PER_TOKEN) == later["deposit"] and first["solvent"]
    jobs = [client.job(past["job"]) for past in (first, later)]
    assert [job["kind"] for job in jobs] == ["audit", "audit"]
    asked = [datetime.fromisoformat(job["created_at"]) for job in jobs]
    assert (asked[1] - asked[0]).total_seconds() > INTERVAL_S - 1
    assert jobs[0]["result"]["oath_counts"]["kept"] == 1 and int(jobs[0]["result"]["gas_executed"]) > 0
    assert jobs[1]["result"]["gas_executed"] == "0", "what was executed once is known"
    assert client.watched()[0]["last_job"] in {past["job"] for past in client.audits(contract=sworn.purse)["items"]}
    client.unwatch(sworn.purse)
    wait_until(lambda: bool(client.accountants()["items"]), PATIENCE_S)
    (seen,) = client.accountants()["items"]
    assert (seen["address"], seen["checked"], seen["lies"]) == (show(KEY.address), 1, 0)


def test_the_key_is_nowhere_to_be_seen(sworn: Sworn) -> None:
    """In no answer of API or node, error or not; no log; no file but its own; no process listing; not in the
    database nor in the broker; also after the signer died and came back. What looks for it finds it where it is."""
    pid = sworn.stack.pid("signer")
    assert pid is not None
    os.kill(pid, signal.SIGABRT)  # the loudest way to crash
    wait_until(lambda: sworn.stack.starts("signer") > 1, PATIENCE_S)
    texts = {f"answer {name}": body for name, body in _answers(sworn)}
    assert len(texts) > 60 and {name.split()[1] for name in texts} >= {"200", "401", "404", "422"}
    texts |= {f"process {name}": shown for name, shown in processes_below(psutil.Process()).items()}
    texts |= {f"table {name}": rows for name, rows in _tables(sworn.stack.database_url).items()}
    texts |= {f"broker {name}": value for name, value in _broker(sworn.stack.redis_url).items()}
    guarded = {sworn.stack.settings.accountant_key_path, sworn.stack.settings.key_password_path}
    texts |= {
        f"file {path}": path.read_bytes() for path in sworn.folder.rglob("*") if path.is_file() and path not in guarded
    }
    names = set(texts)
    assert {"table oaths", "table jobs", "table signed_transactions"} <= names
    assert any(name.endswith("signer.log") for name in names) and any(
        name.endswith("signatures.jsonl") for name in names
    )
    assert any(name.endswith("/cmdline") and b"\x00sign\x00" in text for name, text in texts.items())
    assert {name: found for name, text in texts.items() if (found := shown_by(sworn.secrets, text))} == {}
    (password,) = sworn.stack.settings.key_password_path.read_bytes().split()
    assert read_key(sworn.stack.settings.accountant_key_path, password).secret == KEY.secret
    assert shown_by(sworn.secrets, sworn.stack.settings.key_password_path.read_bytes())


def _answers(sworn: Sworn) -> Iterator[tuple[str, bytes]]:
    """What API and node say to all that can be asked of them, sensibly and not, with the key, without, and with a wrong
    one: (status and question, body)."""
    block = sworn.client.block(1)
    fills = {
        "id": [sworn.oath, sworn.purse, *(job["id"] for job in _jobs(sworn)[:3]), "1"],
        "contract": [sworn.purse],
        "address": [show(KEY.address)],
        "hash": block["transactions"],
        **{name: ["1", "0"] for name in ("height", "page", "seq")},
    }
    bodies = (b"{", b"[]", b"{}", b'{"contract": "' + sworn.purse.encode() + b'", "interval_s": 1}')
    key = {"Authorization": f"Bearer {sworn.stack.api_key}"}
    with httpx.Client(base_url=sworn.stack.api_url, timeout=30, trust_env=False) as http:
        for method, path in _operations():
            name = path[path.find("{") + 1 : path.find("}")]
            paths = [path.replace("{" + name + "}", value) for value in (*fills.get(name, []), "%00%7f")]
            for asked in (p.replace("{page}", "0") for p in paths):
                for body in (None,) if method in ("get", "delete") else bodies:
                    answer = http.request(
                        method, asked, content=body, headers={**key, "content-type": "application/json"}
                    )
                    yield f"{answer.status_code} {method} {asked} {body!r}", _whole(answer)
        for wrong in ({}, {"Authorization": "Bearer anh_0123456789ab_" + "x" * 43}):
            answer = http.get("/v1/jobs", headers=wrong)
            yield f"{answer.status_code} {wrong}", _whole(answer)
    with httpx.Client(base_url=sworn.stack.node_url, timeout=30, trust_env=False) as http:
        for asked in ("/head", "/genesis", f"/accounts/{show(KEY.address)}", "/accounts/zz", "/nothing"):
            answer = http.get(asked)
            yield f"{answer.status_code} node {asked}", _whole(answer)
        answer = http.post("/transactions", content=b"\xff")
        yield f"{answer.status_code} node", _whole(answer)


def _operations() -> list[tuple[str, str]]:
    paths = openapi_document()["paths"].items()
    return [(method, path) for path, item in paths for method in item if not path.endswith("/events")]


def _jobs(sworn: Sworn) -> list[dict[str, Any]]:
    answer = httpx.get(
        f"{sworn.stack.api_url}/v1/jobs", headers={"X-API-Key": sworn.stack.api_key or ""}, trust_env=False
    )
    jobs: list[dict[str, Any]] = answer.json()["items"]
    return jobs


def _whole(answer: httpx.Response) -> bytes:
    return b"\n".join(name + b": " + value for name, value in answer.headers.raw) + b"\n\n" + answer.content


def _tables(database_url: str) -> dict[str, bytes]:
    """Every table as `pg_dump` would write it."""
    with psycopg.connect(plain_url(database_url)) as connection:
        names = connection.execute("select tablename from pg_tables where schemaname = 'accountant'").fetchall()
        dumped = {}
        for (name,) in names:
            with connection.cursor().copy(sql.SQL("copy accountant.{} to stdout").format(sql.Identifier(name))) as rows:
                dumped[name] = b"".join(bytes(row) for row in rows)
    return dumped


def _broker(redis_url: str) -> dict[str, bytes]:
    """Every key of the broker with its value."""
    with redis.Redis.from_url(redis_url) as client:
        found = {key: client.dump(key) or b"" for key in client.scan_iter("*")}
    return {key.decode(errors="replace"): key + b"=" + value for key, value in found.items()}
