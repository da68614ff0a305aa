"""What `with chain.fails(reason):` demands: something happens inside, and all of it fails for the reason."""

from types import TracebackType

from accountant.sandbox.errors import BlockOpen, DeploymentFailed, ViewFailed
from accountant.sandbox.result import Result


class Expectation:
    """Watches everything that is sent or viewed while it is entered."""

    def __init__(self, watching: list["Expectation"], reason: str | None) -> None:
        """`watching`: all expectations entered at present; this one is among them while it is."""
        self._watching = watching
        self._reason = reason
        self._results: list[Result] = []
        self._views: list[str] = []
        self._failed: list[ViewFailed] = []

    def __enter__(self) -> None:
        self._watching.append(self)

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> bool:
        __tracebackhide__ = True
        self._watching.remove(self)
        if isinstance(error, ViewFailed):
            self._failed.append(error)
        elif error is not None and not isinstance(error, DeploymentFailed):
            return False
        self._check()
        return True

    def sent(self, result: Result) -> None:
        """A transaction was sent."""
        self._results.append(result)

    def returned(self, view: str) -> None:
        """A view returned a value."""
        self._views.append(view)

    def _check(self) -> None:
        __tracebackhide__ = True
        wanted = "a failure" if self._reason is None else f"the failure {self._reason!r}"
        assert self._results or self._views or self._failed, f"expected {wanted}, but nothing was sent or viewed"
        if any(result.open for result in self._results):
            raise BlockOpen("put `with chain.block():` inside `with chain.fails():`: results are known at its end")
        for result in self._results:
            right = not result.succeeded and self._reason in (None, result.reason)
            assert right, f"expected {wanted}, but: {result!r}"
        assert not self._views, f"expected {wanted}, but {self._views[0]} returned a value"
        for failed in self._failed:
            assert self._reason in (None, failed.reason), f"expected {wanted}, but: {failed.detail}"
