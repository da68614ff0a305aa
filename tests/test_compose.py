"""docker-compose.yml and the image run the processes that `accountant up` runs."""

import sys
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from ruamel.yaml import YAML

from accountant.settings import Settings, variable_of
from accountant.supervisor.processes import processes

ROOT = Path(__file__).parents[1]


def _services() -> dict[str, Any]:
    services: dict[str, Any] = YAML(typ="safe").load(ROOT / "docker-compose.yml")["services"]
    return services


def test_every_process_has_its_service() -> None:
    """Each supervised process is a service of the same name with the same command, and there is no other."""
    specs = {spec.name: list(spec.argv) for spec in processes(Settings())}
    services = _services()
    assert set(services) - {"postgres", "valkey", "setup", "traces"} == set(specs)
    for name, argv in specs.items():
        assert argv[:2] == [sys.executable, "-m"]
        program = ["accountant" if argv[2] == "accountant.cli" else argv[2], *argv[3:]]
        assert services[name]["command"] == program


def test_every_variable_is_a_setting() -> None:
    """No service is given a setting that does not exist."""
    known = {variable_of(name) for name in Settings.model_fields}
    for name in {spec.name for spec in processes(Settings())}:
        assert set(_services()[name]["environment"]) <= known


def test_only_what_people_open_is_published_and_only_on_loopback() -> None:
    """Of all services API, dashboard and the page of traces alone have a port on the host, on its loopback address."""
    published = {name: service["ports"] for name, service in _services().items() if "ports" in service}
    assert published == {
        "api": ["127.0.0.1:8000:8000"],
        "dashboard": ["127.0.0.1:8002:8002"],
        "traces": ["127.0.0.1:16686:16686"],
    }


def test_traces_are_taken_by_who_asks_for_it() -> None:
    """Without its profile nothing takes traces, and then the setting is empty, which is as good as not there."""
    services = _services()
    assert {name for name, service in services.items() if "profiles" in service} == {"traces"}
    assert services["api"]["environment"]["ANH_TRACES"] == "${ANH_TRACES:-}"
    assert Settings(traces=SecretStr("")).traces_url is None


def test_blobs_are_shared_and_nothing_else_is() -> None:
    """Who keeps, reads or collects blobs has their volume, and not the one with the keys."""
    volumes = {name: service.get("volumes", []) for name, service in _services().items()}
    for name in ("api", "worker", "worker-gpu", "dispatcher"):
        assert volumes[name] == ["blobs:/data/blobs"]
    assert "data:/data" in volumes["signer"]


def test_the_image_copies_what_is_there() -> None:
    """Every path that the Dockerfile copies exists, the lock is what it installs, and it does not run as root."""
    lines = [line.split() for line in (ROOT / "deploy" / "Dockerfile").read_text().splitlines() if line.strip()]
    copied = {path for words in lines if words[0] == "COPY" for path in words[1:-1]}
    assert {path for path in copied if not (ROOT / path).exists()} == set()
    assert {"requirements.lock", "alembic.ini", "migrations", "workers", "accountant"} <= copied
    assert ["USER", "anh"] in lines
