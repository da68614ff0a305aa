"""Every metric: the one table that series, the Prometheus endpoint, alerts, boards and documentation go by."""

from accountant.monitoring.measures import chain, execution, jobs, oaths, service
from accountant.monitoring.metric import Metric
from accountant.primitives.errors import AccountantError

METRICS: tuple[Metric, ...] = (
    *jobs.METRICS,
    *execution.METRICS,
    *chain.METRICS,
    *oaths.METRICS,
    *service.METRICS,
)

_BY_NAME = {metric.name: metric for metric in METRICS}


class UnknownMetric(AccountantError):
    """No metric has this name."""

    code = "unknown_metric"


def metric(name: str) -> Metric:
    """The metric of a name. Raises `UnknownMetric`."""
    if name not in _BY_NAME:
        raise UnknownMetric("There is no such metric.")
    return _BY_NAME[name]


def describe() -> str:
    """A Markdown table of all metrics, as `docs/monitoring.md` holds it."""
    rows = ["| Metric | Kind | Unit | Labels | Meaning |", "|---|---|---|---|---|"]
    for one in METRICS:
        labels = ", ".join(f"`{label}`" for label in one.labels)
        rows.append(f"| `{one.name}` | {one.kind} | {one.unit} | {labels} | {one.help} |")
    return "\n".join(rows)
