"""Series in the words that people read: names of lines and units, instead of those that other programs go by."""

from accountant.monitoring.metric import Kind, Metric
from accountant.monitoring.series import Line, Series

_UNITS = {"seconds": "s", "bytes": "bytes", "bool": "1: yes, 0: no", "share": "share, 0 to 1", "units": "base units"}
_VALUES = {
    ("quantile", "0.5"): "half of them within (p50)",
    ("quantile", "0.95"): "95 % within (p95)",
    ("quantile", "0.99"): "99 % within (p99)",
    ("layer", "hot"): "found in Redis",
    ("layer", "database"): "found in Postgres",
    ("layer", "missing"): "found nowhere",
    ("found", "true"): "true",
    ("found", "false"): "lies",
}


def unit_of(metric: Metric) -> str:
    """What numbers of its series are of; those of a counter are what came in a second."""
    word = _UNITS.get(metric.unit, metric.unit)
    return f"{word} a second" if metric.kind is Kind.COUNTER else word


def worded(metric: Metric, found: Series, by: str) -> Series:
    """The same numbers. Lines are named after the values of their labels; a single one after the metric."""

    def name(label: str) -> str:
        if label == metric.name:
            return metric.title
        if by:
            return _value(by, label)
        pairs = [part.partition("=")[::2] for part in label.split(",")] if "=" in label else []
        return ", ".join(_value(*pair) for pair in pairs) or metric.title

    return Series(found.at, [Line(name(line.label), line.values) for line in found.lines], unit_of(metric))


def _value(label: str, value: str) -> str:
    return _VALUES.get((label, value), value.replace("_", " ") if value else f"no {label}")
