"""The whole accountant on one machine, as a context manager: servers, schema, processes.

    with Stack(Settings(data_dir=folder, api_port=0, node_port=0)) as stack:
        httpx.get(f"{stack.api_url}/v1/health", headers={"Authorization": f"Bearer {stack.api_key}"})

One thread does all starting, watching and stopping, because children are tied to the life of the thread that
started them. Whoever dies, nothing stays: children end with this process (by the kernel on Linux, at the next start
on the same folder elsewhere), and this process ends its children.
"""

import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import structlog
from pydantic import SecretStr

from accountant.bootstrap import prepare as prepare_database
from accountant.bootstrap import reach_broker
from accountant.primitives.errors import AccountantError
from accountant.processes.ledger import Ledger
from accountant.processes.lock import FolderLock
from accountant.processes.ports import free_port, is_free
from accountant.settings import Settings, variable_of
from accountant.storage.embedded import EmbeddedServers
from accountant.storage.place import let_servers_enter
from accountant.supervisor.process import ProcessSpec, SupervisedProcess
from accountant.supervisor.processes import processes as all_processes

_POLL_S = 0.1
_READY_S = 90.0
_STARTS_MOST = 5  # while the stack starts: one of many tries, not yet a crash of something that worked
_ORPHANS_STOP_S = 10.0
_LOG_TAIL_BYTES = 3000

log = structlog.get_logger(__name__)

Prepare = Callable[[Settings], str | None]
Processes = Callable[[Settings], Sequence[ProcessSpec]]


class PortInUse(AccountantError):
    """A port that the settings name is taken."""

    code = "port_in_use"


class StartFailed(AccountantError):
    """A process did not become ready in time."""

    code = "start_failed"


class Stack:
    """Servers (embedded, unless the settings name others) and `processes`, under the settings' data folder.

    `prepare` runs when the servers answer and before any process starts: it migrates and returns the API key if it
    knows it. `log_to_files` sends each process's output to `logs/NAME.log` in the data folder instead of our own
    standard error. `durable=False` makes the embedded Postgres unsafe against power cuts, and faster: for tests.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        processes: Processes = all_processes,
        prepare: Prepare = prepare_database,
        log_to_files: bool = True,
        durable: bool = True,
    ) -> None:
        self._folder = settings.data_dir.absolute()
        self._settings = settings.model_copy(update={"data_dir": self._folder})
        self._specs = processes
        self._prepare = prepare
        self._log_to_files = log_to_files
        self._durable = durable
        self._servers: EmbeddedServers | None = None
        self._processes: list[SupervisedProcess] = []
        self._keeper: threading.Thread | None = None
        self._stopping = threading.Event()
        self._started = threading.Event()
        self._failure: BaseException | None = None
        self.api_key: str | None = None

    def start(self) -> Self:
        """Starts everything and returns when all of it is ready.

        Raises `FolderInUse` if another stack runs on the folder, `PortInUse`, `ServersUnavailable`,
        `BrokerUnreachable`, `DatabaseUnreachable`, and `StartFailed` with the end of the log of the process that is
        not ready; nothing runs then.
        """
        self._keeper = threading.Thread(target=self._keep, name="stack")
        self._keeper.start()
        try:
            self._started.wait()
        except BaseException:
            self.stop()
            raise
        if self._failure is not None:
            self._keeper.join()
            raise self._failure
        return self

    def stop(self) -> None:
        """Stops processes in the reverse order of their start, then the servers. Nothing happens the second time."""
        self._stopping.set()
        if self._keeper is not None:
            self._keeper.join()

    def wait(self, seconds: float | None = None) -> bool:
        """Waits until the stack has stopped (by `ask_to_stop`); False if the time ran out before."""
        assert self._keeper is not None, "not started"
        self._keeper.join(seconds)
        return not self._keeper.is_alive()

    def ask_to_stop(self) -> None:
        """Begins to stop and returns at once: safe in a signal handler."""
        self._stopping.set()

    @property
    def is_stopping(self) -> bool:
        """Whether it was asked to stop."""
        return self._stopping.is_set()

    @property
    def settings(self) -> Settings:
        """The settings in force: with the servers' URLs and with free ports chosen."""
        return self._settings

    @property
    def api_url(self) -> str:
        """Where the REST API is reached."""
        return f"http://{self._settings.api_host}:{self._settings.api_port}"

    @property
    def dashboard_url(self) -> str:
        """Where the dashboard is reached."""
        return f"http://{self._settings.dashboard_host}:{self._settings.dashboard_port}"

    @property
    def node_url(self) -> str:
        """Where the node is reached."""
        return self._settings.node

    @property
    def log_folder(self) -> Path | None:
        """Where each process's output goes; None: to our own standard error."""
        return self._folder / "logs" if self._log_to_files else None

    @property
    def database_url(self) -> str:
        """The database in use."""
        return self._settings.database

    @property
    def redis_url(self) -> str:
        """The broker in use."""
        return self._settings.redis

    def create_database(self, name: str) -> str:
        """A new database beside this stack's own, on its embedded servers; its URL."""
        assert self._servers is not None, "the servers are not this stack's"
        return self._servers.create_database(name)

    def pid(self, name: str) -> int | None:
        """The number of the process `name`, None while it does not run."""
        return self._process(name).pid

    def starts(self, name: str) -> int:
        """How often the process `name` has been started."""
        return self._process(name).starts

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _process(self, name: str) -> SupervisedProcess:
        return next(process for process in self._processes if process.spec.name == name)

    def _keep(self) -> None:
        """The keeper thread: everything from taking the folder to giving it back."""
        try:
            _make(self._folder)
            let_servers_enter(self._folder)
            with FolderLock(self._folder / "stack.lock"):
                try:
                    self._start_all()
                    self._started.set()
                    self._watch()
                finally:
                    self._stop_all()
        except BaseException as failure:  # handed to the thread that waits in `start`
            if self._started.is_set():
                log.exception("the stack failed")
            self._failure = failure
        finally:
            self._started.set()

    def _start_all(self) -> None:
        run = self._folder / "run"
        run.mkdir(exist_ok=True, mode=0o700)
        ledger = Ledger(run / "ledger.json")
        for name in ledger.end_orphans(((signal.SIGTERM, _ORPHANS_STOP_S),)):
            log.warning("ended what an earlier run left behind", name=name)
        self._settings = self._with_servers(_with_ports(self._settings))
        self.api_key = self._prepare(self._settings)
        environment = _child_environment(self._settings)
        for spec in self._specs(self._settings):
            if self._stopping.is_set():
                return
            process = SupervisedProcess(spec, environment, ledger, self._log_file(spec.name))
            self._processes.append(process)
            process.start()
            if spec.before_others:
                self._await(process)
        for process in self._processes:
            self._await(process)

    def _with_servers(self, settings: Settings) -> Settings:
        """The settings with the URLs of embedded servers, started here, unless they name others."""
        if settings.database_url is not None:
            reach_broker(settings.redis)
            return settings
        self._servers = EmbeddedServers(self._folder / "servers", durable=self._durable).start()
        urls = {"database_url": self._servers.database_url, "redis_url": self._servers.redis_url}
        return settings.model_copy(update={name: SecretStr(url) for name, url in urls.items()})

    def _log_file(self, name: str) -> Path | None:
        folder = self.log_folder
        if folder is None:
            return None
        folder.mkdir(exist_ok=True, mode=0o700)
        return folder / f"{name}.log"

    def _await(self, process: SupervisedProcess) -> None:
        """Waits until `process` is ready, or until we are asked to stop; crashed ones are started again meanwhile."""
        deadline = time.monotonic() + _READY_S
        while not process.is_ready() and not self._stopping.is_set():
            name = process.spec.name
            if process.starts >= _STARTS_MOST:
                raise StartFailed(f"{name} does not stay up, started {_STARTS_MOST} times{_tail(process.log_file)}")
            if time.monotonic() > deadline:
                raise StartFailed(f"{name} is not ready after {_READY_S:.0f} s{_tail(process.log_file)}")
            self._watch_once()
            self._stopping.wait(_POLL_S)

    def _watch(self) -> None:
        while not self._stopping.wait(_POLL_S):
            self._watch_once()

    def _watch_once(self) -> None:
        if self._servers is not None:
            for name in self._servers.revive():
                log.warning("server had died and runs again", name=name)
        for process in self._processes:
            process.watch()

    def _stop_all(self) -> None:
        deadline = time.monotonic() + self._settings.stop_deadline_s
        for process in reversed(self._processes):
            if not process.stop(deadline):
                log.warning("process did not stop in time and was killed", name=process.spec.name)
        if self._servers is not None:
            self._servers.stop()


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise StartFailed(f"{folder} cannot be the data folder: {error.strerror}") from None


def _with_ports(settings: Settings) -> Settings:
    """The settings with a free port for each port that is 0. Raises `PortInUse` for others that are taken."""
    fixed = [
        ("api_port", settings.api_host, settings.api_port),
        ("dashboard_port", settings.dashboard_host, settings.dashboard_port),
    ]
    if settings.node_url is None:
        fixed.append(("node_port", settings.node_host, settings.node_port))
    for name, host, port in fixed:
        if port != 0 and not is_free(port, host):
            raise PortInUse(f"{host}:{port} cannot be listened on, it is in use: set {variable_of(name)} to another")
    ports = {name: free_port() for name in ("api_port", "dashboard_port", "node_port") if getattr(settings, name) == 0}
    return settings.model_copy(update=ports)


def _child_environment(settings: Settings) -> dict[str, str]:
    """Our environment with these settings in it, and no other setting."""
    ours = {variable_of(name) for name in Settings.model_fields}
    return {**{name: value for name, value in os.environ.items() if name not in ours}, **settings.environment()}


def _tail(log_file: Path | None) -> str:
    if log_file is None or not log_file.exists():
        return ""
    return f"; the end of {log_file}:\n" + log_file.read_bytes()[-_LOG_TAIL_BYTES:].decode(errors="replace")
