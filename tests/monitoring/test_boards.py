"""Prometheus, its alerts, Grafana's boards and the documentation speak of the metrics that there are, and of all."""

import json
import re
from pathlib import Path

import pytest
import sqlalchemy as sa
from prometheus_client.parser import text_string_to_metric_families
from ruamel.yaml import YAML

from accountant.monitoring import catalogue
from accountant.monitoring.catalogue import METRICS
from accountant.monitoring.metric import Metric
from accountant.monitoring.probes import Probed
from accountant.monitoring.prometheus import AGE, HEALTH, OWN, exposed
from accountant.monitoring.sampler import sample
from accountant.monitoring.verdict import Health, Verdict
from tests.support.metrics import fill

ROOT = Path(__file__).parents[2]
BOARDS = sorted((ROOT / "deploy/grafana").glob("*.json"))
NAMES = {metric.name for metric in METRICS} | set(OWN)
LABELS = {metric.name: set(metric.labels) for metric in METRICS} | {name: set() for name in OWN}
_NAME = re.compile(r"\banh_\w+")


def expressions() -> dict[str, str]:
    """Every expression of the alerts and boards, by where it stands."""
    found = {}
    for group in YAML(typ="safe").load(ROOT / "deploy/prometheus/alerts.yml")["groups"]:
        for rule in group["rules"]:
            found[rule["alert"]] = rule["expr"]
    for board in BOARDS:
        for panel in json.loads(board.read_text())["panels"]:
            for target in panel["targets"]:
                found[f"{board.name}: {panel['title']} {target['refId']}"] = target["expr"]
    return found


def test_every_name_is_of_the_catalogue() -> None:
    """No alert and no board asks for a metric or a label that there is not."""
    for place, expression in expressions().items():
        names = set(_NAME.findall(expression))
        assert names <= NAMES, place
        for labels in re.findall(r"by \(([^)]*)\)|(\w+)=", expression):
            asked = set(re.split(r",\s*", labels[0])) if labels[0] else {labels[1]}
            known = set().union(*(LABELS[name] for name in names)) | {"job"}
            assert asked <= known, place


def test_every_metric_is_on_a_board() -> None:
    """Nothing is measured that nobody would see."""
    shown = {name for expression in expressions().values() for name in _NAME.findall(expression)}
    assert shown == NAMES


def test_boards_are_whole() -> None:
    """Each board has an identity of its own, and each panel its place, a unit, and something to draw."""
    boards = [json.loads(board.read_text()) for board in BOARDS]
    assert len({board["uid"] for board in boards}) == len(boards) > 0
    for board in boards:
        places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in board["panels"]]
        assert len(set(places)) == len(places)
        assert all(panel["targets"] and panel["fieldConfig"]["defaults"]["unit"] for panel in board["panels"])


def test_the_documentation_has_the_catalogue() -> None:
    """docs/monitoring.md holds the table that the catalogue makes, and says what a scrape adds."""
    text = (ROOT / "docs/monitoring.md").read_text()
    assert catalogue.describe() in text
    assert all(f"`{name}`" in text for name in OWN)


def test_a_scrape_has_all_metrics_with_sqls_numbers(engine: sa.Engine) -> None:
    """What Prometheus parses from a scrape names every metric with its kind, and its numbers are the database's."""
    fill(engine)
    sample(engine, Probed(12, 3, True, 10, 100))
    with engine.connect() as connection:
        raw, kind = exposed(connection, Verdict(Health.DEGRADED, ()))
        gas = connection.execute(sa.text("select sum(gas_used) from accountant.outcomes")).scalar_one()
        queued = connection.execute(sa.text("select count(*) from accountant.jobs where state = 'queued'")).scalar_one()
    assert kind.startswith("text/plain")
    families = {family.name: family for family in text_string_to_metric_families(raw.decode())}
    for metric in METRICS:
        family = families[metric.name.removesuffix("_total")]
        assert family.type == metric.kind and family.documentation == metric.help
    values = {
        (one.name, tuple(sorted(one.labels.items()))): one.value
        for family in families.values()
        for one in family.samples
    }
    assert values["anh_gas_executed_total", ()] == gas
    assert values["anh_jobs", (("kind", "view"), ("state", "queued"))] == queued
    assert values[HEALTH, ()] == 1
    assert 0 <= values[AGE, ()] < 10


def test_a_scrape_before_the_first_sample(engine: sa.Engine) -> None:
    """An empty database is scraped without an error, and says that nothing was ever sampled."""
    with engine.connect() as connection:
        raw, _ = exposed(connection, Verdict(Health.HEALTHY, ()))
    assert f"{AGE} -1.0" in raw.decode()
    assert "anh_own_oaths_slashed_total 0.0" in raw.decode(), "an alert sees the first one as an increase"


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_names_follow_prometheus(metric: Metric) -> None:
    """Names, labels and units are what Prometheus takes and its conventions ask for."""
    assert re.fullmatch(r"anh_[a-z_]+[a-z]", metric.name)
    assert all(re.fullmatch(r"[a-z]+", label) for label in metric.labels)
    assert metric.help.endswith(".")
    for unit in ("seconds", "bytes", "units"):
        assert (metric.unit == unit) == (metric.name.removesuffix("_total").endswith(f"_{unit}"))
