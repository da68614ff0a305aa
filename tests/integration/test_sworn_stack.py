"""A whole accountant that swears and watches: audits come by themselves, it is traced from a question to its oath in a
block, and its key is nowhere to be seen.
"""

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
from tests.support.collector import Collector, Received, collecting
from tests.support.processes import wait_until
from tests.support.seeking_keys import forms_of, processes_below, shown_by
from tests.support.servers import reachable_folder
from tests.support.small_stack import QUICK
from tests.support.whole_chain import begin_chain, burn

KEY = PrivateKey.from_seed(b"the accountant's own key, for a test that looks for it")
PARTS = ("node", "indexer", "api", "worker", "dispatcher", "signer", "publisher")
PATIENCE_S = 90.0
MONITORING = Path(__file__).parents[2] / "docs" / "monitoring.md"
INTERVAL_S = 10
"""The least that a watch list takes."""
CLIENT = "00f067aa0ba902b7"
"""The client's own span, under which it asks."""
PAID, BURNT = 16 * "a1", 16 * "b2"
"""Its traces: of a payment whose verification is sworn, and of a call that is executed for whoever waits for it."""
BURN_S = 1 / 3
"""Of this length a call's gas limit is 10^9: workers leave it to each other."""


class Sworn(NamedTuple):
    """A running accountant whose key is known, with a purse and an oath on it."""

    stack: Stack
    client: AccountantClient
    folder: Path
    secrets: list[bytes]
    """The key and the password that guards it, in all their forms."""
    purse: str
    oath: str
    transaction: str
    """Its transaction."""
    collector: Collector


@pytest.fixture(scope="module")
def sworn(servers: EmbeddedServers, module_database_url: str) -> Iterator[Sworn]:
    with ExitStack() as opened:
        folder = opened.enter_context(reachable_folder())
        opened.enter_context(redis.Redis.from_url(servers.redis_url)).flushall()
        collector = opened.enter_context(collecting())
        often = opened.enter_context(pytest.MonkeyPatch.context())
        often.setenv("OTEL_BSP_SCHEDULE_DELAY", "100")  # OpenTelemetry's own: milliseconds between two batches
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
            traces=SecretStr(collector.endpoint),
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
        job = _asked(stack, "/v1/payments/verifications", {"transaction": payment, "swear": True}, PAID)
        assert client.result(job, PATIENCE_S)["verdict"] == "accepted"
        wait_until(lambda: client.job(job["id"])["oath"] is not None, PATIENCE_S)
        oath = client.job(job["id"])["oath"]
        wait_until(lambda: client.oath(oath)["standing"] is not None, PATIENCE_S)
        said = client.oath(oath)
        assert said["standing"]["counts"] is True and said["sworn"]["swearer"] == show(KEY.address)
        secrets = [*forms_of(KEY.secret), *forms_of(password)]
        transaction = said["sworn"]["transaction"]
        yield Sworn(stack, client, folder, secrets, said["sworn"]["purse"], oath, transaction, collector)


def _asked(stack: Stack, path: str, body: dict[str, object], trace_id: str) -> dict[str, Any]:
    """The job of a client that traces."""
    headers = {"X-API-Key": stack.api_key or "", "traceparent": f"00-{trace_id}-{CLIENT}-01"}
    answer = httpx.post(stack.api_url + path, json=body, headers=headers, trust_env=False)
    assert answer.status_code == 202, answer.text
    job: dict[str, Any] = answer.json()
    return job


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


def test_a_trace_goes_from_the_client_to_the_oath_in_a_block(sworn: Sworn) -> None:
    """Five processes tell of one question in the client's own trace, each span under what led to it: request, job,
    message, attempt, answer, oath, signature, submission, inclusion. Logs name the trace, the signer's too."""
    wait_until(lambda: "oath.included" in {one.name for one in sworn.collector.spans(PAID)}, PATIENCE_S)
    wait_until(lambda: "job.answer" in {one.name for one in sworn.collector.spans(PAID)}, PATIENCE_S)
    spans = sworn.collector.spans(PAID)
    led = {one.name: (one.service, _parent(spans, one)) for one in spans if one.name not in ("dispatch", "job.attempt")}
    assert led == {
        "POST /v1/payments/verifications": ("anh-api", CLIENT),
        "job.accept": ("anh-api", "POST /v1/payments/verifications"),
        "job.answer": ("anh-worker", "job.attempt"),
        "oath.swear": ("anh-publisher", "job.accept"),
        "signer.sign": ("anh-publisher", "oath.swear"),
        "oath.submit": ("anh-publisher", "oath.swear"),
        "oath.included": ("anh-publisher", "oath.swear"),
    }
    for name, service, parent in (("dispatch", "dispatcher", "job.accept"), ("job.attempt", "worker", "dispatch")):
        found = {(one.service, _parent(spans, one)) for one in spans if one.name == name}
        assert found == {(f"anh-{service}", parent)}
    explained = MONITORING.read_text()
    assert [one.name for one in spans if f"`{one.name}`" not in explained and "/v1/" not in one.name] == []
    said = {one.name: one.attributes for one in spans}
    assert {said[name]["anh.transaction"] for name in ("oath.swear", "oath.submit", "oath.included")} == {
        sworn.transaction
    }
    (last,) = [one for one in spans if one.name == "job.attempt" and one.attributes["anh.ended"] == "done"]
    assert (last.attributes["anh.gas_executed"], last.attributes["anh.transactions_executed"]) == (0, 0)
    assert said["POST /v1/payments/verifications"]["http.response.status_code"] == 202
    for name in ("api", "worker", "signer"):
        log = (sworn.stack.settings.data_dir / "logs" / f"{name}.log").read_text()
        assert "traces_not_sent" not in log
        assert name == "api" or f'"trace_id": "{PAID}"' in log


def test_what_others_execute_for_a_question_is_in_its_trace(sworn: Sworn) -> None:
    """A heavy call is executed by whoever is free: in the trace of who waits for it, under the attempt that left it to
    others, and the attempt after it found all outcomes there."""
    call = sworn.client.submit(burn(0, BURN_S))
    wait_until(lambda: _on_chain(sworn.client, call), PATIENCE_S)
    job = _asked(sworn.stack, "/v1/outcomes", {"transaction": call}, BURNT)
    assert sworn.client.result(job, PATIENCE_S)["verdict"] == "accepted"
    wait_until(lambda: "job.answer" in {one.name for one in sworn.collector.spans(BURNT)}, PATIENCE_S)
    spans = sworn.collector.spans(BURNT)
    first, last = (
        next(one for one in spans if one.attributes.get("anh.ended") == ended and one.name == "job.attempt")
        for ended in ("parked", "done")
    )
    (execution,) = [one for one in spans if one.name == "execution.attempt"]
    (sent,) = [one for one in spans if one.span_id == execution.parent_id]
    assert (sent.name, sent.parent_id) == ("dispatch", first.span_id)
    assert execution.attributes["anh.transactions_executed"] == 1
    assert execution.attributes["anh.gas_executed"] == last.attributes["anh.gas_executed"] != 0
    assert {_parent(spans, one) for one in (first, last)} == {"dispatch"}


def _parent(spans: list[Received], span: Received) -> str:
    """The name of the span that it belongs to, or the id that is none of ours."""
    return next((one.name for one in spans if one.span_id == span.parent_id), span.parent_id)


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
    texts |= {f"traces {place}": body for place, body in enumerate(sworn.collector.bodies)}
    assert "traces 0" in texts
    api_key = (sworn.stack.api_key or "").encode()
    assert api_key and not any(api_key in body for body in sworn.collector.bodies)
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
