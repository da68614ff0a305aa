"""Charts speak as people do: names of lines and units, and words where there is nothing."""

import pytest

from accountant.dashboard.metric_words import unit_of, worded
from accountant.dashboard.resources import DashboardResources
from accountant.monitoring.catalogue import METRICS, metric
from accountant.monitoring.metric import Metric
from accountant.monitoring.series import Line, Series
from accountant.storage.admins import Role
from tests.support.pages import signed_in


@pytest.mark.parametrize("one", METRICS, ids=lambda one: one.name)
def test_every_metric_has_a_title_and_a_unit_for_people(one: Metric) -> None:
    """Neither is what programs call it, and a line without labels is called by the title."""
    assert one.title and len(one.title) < 100 and "_" not in one.title
    assert "_" not in unit_of(one) and unit_of(one) != "bool"
    for by in ("", "kind"):  # by a label that nothing has yet
        (line,) = worded(one, Series([1], [Line(one.name, [2.0])], "x"), by).lines
        assert line == Line(one.title, [2.0])


def test_lines_are_named_after_their_labels() -> None:
    """By one label or all; a value that is nothing is said to be."""
    asked = Series([], [Line("kind=oath_proof,state=done", []), Line("kind=view,state=", [])], "")
    names = [line.label for line in worded(metric("anh_jobs"), asked, "").lines]
    assert names == ["oath proof, done", "view, no state"]
    by = Series([], [Line("0.95", []), Line("0.25", [])], "")
    waiting = worded(metric("anh_job_waiting_seconds"), by, "quantile")
    assert [line.label for line in waiting.lines] == ["95 % within (p95)", "0.25"] and waiting.unit == "s"
    assert unit_of(metric("anh_gas_executed_total")) == "gas a second"


def test_what_was_never_sampled_is_said_to_be(hostile: DashboardResources) -> None:
    """The table of a series without a number has a sentence instead of rows; its title is no program's."""
    visitor = signed_in(hostile, Role.VIEWER)
    text = visitor.get("/series/anh_worker_gpu_share").text
    assert text.count("<tr>") == 2 and "Nothing was sampled in this time." in text
    assert "<h1>Use of the busiest GPU of a worker&#39;s machine</h1>" in text
    assert "Nothing was sampled" not in visitor.get("/series/anh_jobs?by=state").text
