"""What `with chain.fails(reason):` demands: something happens inside, and all of it fails for the reason."""

from accountant.sandbox.errors import BlockOpen, DeploymentFailed, ViewFailed
from accountant.sandbox.result import Result


class Expectation:
    """Everything sent or viewed since it was made."""

    def __init__(self, reason: str | None) -> None:
        self._reason = reason
        self._results: list[Result] = []
        self._views: list[str] = []
        self._failed: ViewFailed | None = None

    def sent(self, result: Result) -> None:
        """A transaction was sent."""
        self._results.append(result)

    def returned(self, view: str) -> None:
        """A view returned a value."""
        self._views.append(view)

    def raised(self, error: DeploymentFailed | ViewFailed) -> None:
        """A failure that ended the body. A deployment's result was counted when it was sent."""
        if isinstance(error, ViewFailed):
            self._failed = error

    def check(self) -> None:
        """Raises `AssertionError` unless all of it failed for the reason, and `BlockOpen`."""
        __tracebackhide__ = True
        wanted = "a failure" if self._reason is None else f"the failure {self._reason!r}"
        seen = self._results or self._views or self._failed
        assert seen, f"expected {wanted}, but nothing was sent or viewed"
        assert not self._views, f"expected {wanted}, but {self._views[0]} returned a value"
        if any(result.open for result in self._results):
            raise BlockOpen("put `with chain.block():` inside `with chain.fails():`: results are known at its end")
        for result in self._results:
            right = not result.succeeded and self._reason in (None, result.reason)
            assert right, f"expected {wanted}, but: {result!r}"
        if self._failed is not None:
            assert self._reason in (None, self._failed.reason), f"expected {wanted}, but {self._failed.detail}"
