"""Plans for every question, however cheap: for properties that must hold whoever chooses Θ."""

import pytest


def always_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    """From here on the accountant plans as soon as there is gas to be saved, and looks up as much as it may."""
    monkeypatch.setattr("accountant.accounting.planner.PLAN_ABOVE", 0)
    monkeypatch.setattr("accountant.accounting.planner.GAS_PER_LOOK_UP", 1)
