"""Every setting, from the environment: `ANH_NAME`, and plain `DATABASE_URL` and `REDIS_URL`.

With none set, one machine runs everything under `./data`. `docs/settings.md` holds the table that `describe` makes.
"""

import re
from enum import StrEnum
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from accountant.primitives.errors import AccountantError
from accountant.primitives.types import AMOUNT_MAX, UNITS_PER_TOKEN

_PREFIX = "ANH_"

BOUNTIES_OFF, BOUNTIES_ALL = "off", "all"
_CONTRACT = re.compile(r"0x[0-9a-fA-F]{64}", re.ASCII)

WORKER_MEMORY_LEAST_MIB = 768
"""Measured: below 260 a worker's process starts no job, from 420 on it does small ones, with 511 in use."""


WORKER_TENSORS_LEAST_MIB = 64
"""What every transaction may hold without saying so, unless genesis says otherwise."""
_WORKER_ITSELF_MIB = 512
"""Of addresses: what a worker's process takes before it holds a tensor."""
_MIB = 1024 * 1024
_CENTURY_S = 100 * 366 * 86_400.0


class InvalidSettings(AccountantError):
    """An environment variable that holds no valid setting, or two that contradict each other."""

    code = "invalid_settings"


class LogFormat(StrEnum):
    """How a log line is written."""

    AUTO = "auto"
    CONSOLE = "console"
    JSON = "json"


class LogLevel(StrEnum):
    """The least level that is logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogTo(StrEnum):
    """Where `accountant up` sends the logs of the processes that it starts."""

    FILES = "files"
    STDERR = "stderr"


class Sandbox(StrEnum):
    """Whether worker processes shut themselves out of what they do not need."""

    AUTO = "auto"
    REQUIRED = "required"
    OFF = "off"


class WorkerDevice(StrEnum):
    """What worker processes compute tensors on."""

    CPU = "cpu"
    GPU = "gpu"


class Settings(BaseSettings):
    """All settings; read-only. Make it with `load_settings`, which explains what is wrong with a bad environment."""

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX, frozen=True, hide_input_in_errors=True, populate_by_name=True, extra="forbid"
    )

    data_dir: Path = Field(
        default=Path("data"), description="Folder of everything that is kept: servers, chain, keys, logs."
    )
    database_url: SecretStr | None = Field(
        default=None,
        validation_alias="DATABASE_URL",
        description="Your own Postgres, `postgresql://user:password@host/name`; unset: an embedded one.",
    )
    redis_url: SecretStr | None = Field(
        default=None,
        validation_alias="REDIS_URL",
        description="Your own Redis or Valkey, `redis://:password@host/0`; unset: an embedded one.",
    )
    api_host: str = Field(default="127.0.0.1", description="Address that the REST API listens on.")
    api_port: int = Field(default=8000, ge=0, le=65535, description="Port of the REST API; 0: a free one.")
    dashboard_host: str = Field(default="127.0.0.1", description="Address that the dashboard listens on.")
    dashboard_port: int = Field(default=8002, ge=0, le=65535, description="Port of the dashboard; 0: a free one.")
    node_host: str = Field(default="127.0.0.1", description="Address that the node listens on.")
    node_port: int = Field(default=8001, ge=0, le=65535, description="Port of the node; 0: a free one.")
    node_url: str | None = Field(
        default=None, description="Where the node is reached; unset: at its own address and port on this machine."
    )
    block_interval_s: float = Field(
        default=1.0, gt=0, le=3600, description="Seconds between two blocks of the proposer."
    )
    heartbeat_s: float = Field(
        default=0.0,
        ge=0,
        le=86400,
        description="Seconds without a block after which the proposer makes an empty one; 0: never.",
    )
    node_peers: str = Field(
        default="",
        description="URLs of nodes, with spaces between: the node imports their blocks and passes transactions on.",
    )
    node_uploads_bytes: int = Field(
        default=4 * 1024**3,
        ge=0,
        le=AMOUNT_MAX,
        description="Bytes of blobs that the node takes before a transaction on the chain publishes them.",
    )
    worker_concurrency: int = Field(
        default=2, ge=1, le=256, description="Jobs that one worker runs at once, a process each."
    )
    job_lease_s: float = Field(
        default=30.0, gt=0, le=3600, description="Seconds after which a silent worker has lost its job."
    )
    job_attempts: int = Field(
        default=5, ge=1, le=100, description="Attempts at a job before it is parked as failed with its error."
    )
    job_patience_s: float = Field(
        default=60.0,
        gt=0,
        le=86_400,
        description="Seconds after which a queued job's message counts as lost; doubled with each publication.",
    )
    trainings_kept_s: float = Field(
        default=30 * 86_400.0,
        ge=3_600,
        le=_CENTURY_S,
        description="Seconds that the page of networks keeps a training and its curve after it was last told of.",
    )
    logins_kept_s: float = Field(
        default=30 * 86_400.0,
        ge=3_600,
        le=_CENTURY_S,
        description="Seconds that tries to enter the dashboard are kept, and sessions and links after they expired.",
    )
    public_kept_s: float = Field(
        default=30 * 86_400.0,
        ge=86_400 * 3,
        le=_CENTURY_S,
        description="Seconds that questions without a key, and their answers, are kept after they ended.",
    )
    job_time_limit_s: int = Field(
        default=3600, ge=1, le=7 * 86_400, description="Seconds after which an attempt's process is killed."
    )
    gas_per_second: int = Field(
        default=1_000_000_000,
        ge=1,
        le=10**15,
        description="What quotes take for a worker's speed until workers have measured it.",
    )
    delegate_gas: int = Field(
        default=1_000_000_000,
        ge=0,
        le=AMOUNT_MAX,
        description="Calls with at least this gas limit are executed once for all jobs, by whichever worker is free.",
    )
    public_gas: int = Field(
        default=100_000_000,
        ge=0,
        le=AMOUNT_MAX,
        description="Gas that a question without a key may take, in the public explorer; 0: it executes nothing.",
    )
    gpu_gas: int = Field(
        default=20_000_000_000,
        ge=0,
        le=AMOUNT_MAX,
        description="Of those, calls with at least this gas limit go to the workers of the queue `gpu`.",
    )
    worker_memory_mib: int = Field(
        default=4096,
        ge=0,
        le=2**20,
        description="MiB of addresses that a worker's process may use, and so of memory; 0: no limit.",
    )
    worker_tensor_mib: int = Field(
        default=0,
        ge=0,
        le=2**30,
        description="MiB of tensors that a transaction may hold in a worker's process, which leaves others to roomier "
        "workers; 0: a quarter of what `ANH_WORKER_MEMORY_MIB` leaves, or all there is where that is 0.",
    )
    worker_device: WorkerDevice = Field(
        default=WorkerDevice.CPU,
        description="What a worker computes tensors on: `cpu`, or `gpu`: a GPU each process, where there is one.",
    )
    worker_threads: int = Field(
        default=0, ge=0, le=1024, description="Threads of one operation on tensors; 0: as many as there are cores."
    )
    worker_sandbox: Sandbox = Field(
        default=Sandbox.AUTO,
        description="Landlock for worker processes: `auto`: where the kernel has it, `required`: or end, `off`.",
    )
    chain_dir: Path | None = Field(
        default=None,
        description="Folder of genesis, key files and the node's blocks; unset: `chain` in the data folder.",
    )
    accountant_key: Path | None = Field(
        default=None, description="Key file that signs oaths; unset: `accountant.json` in the chain folder."
    )
    proposer_key: Path | None = Field(
        default=None, description="Key file that signs blocks; unset: `proposer.json` in the chain folder."
    )
    key_password_file: Path | None = Field(
        default=None, description="File with the password of the key files; unset: `password` in the chain folder."
    )
    oath_penalty: int = Field(
        default=UNITS_PER_TOKEN, gt=0, le=AMOUNT_MAX, description="Base units that a false oath costs the accountant."
    )
    oath_deposit: int = Field(
        default=1_000 * UNITS_PER_TOKEN,
        gt=0,
        le=AMOUNT_MAX,
        description="Base units deposited in each epoch's purse, and the most that is signed for as one deposit.",
    )
    oath_deposited_most: int = Field(
        default=100_000 * UNITS_PER_TOKEN,
        gt=0,
        le=AMOUNT_MAX,
        description="Base units deposited in all; then the publisher stops swearing and says so.",
    )
    oath_alarm: int = Field(
        default=2_000 * UNITS_PER_TOKEN,
        ge=0,
        le=AMOUNT_MAX,
        description="Zero-cost base units of the accountant below which the publisher raises an alarm.",
    )
    blobs: SecretStr | None = Field(
        default=None,
        description="Where blobs are kept: a folder, `s3://bucket/prefix?endpoint=http://host:port`, or "
        "`ipfs+http://host:port`; unset: `blobs` in the data folder.",
    )
    blob_bytes_most: int = Field(
        default=2**30, ge=1, le=2**50, description="Bytes of the largest blob that may be sent."
    )
    blob_uploads_bytes_most: int = Field(
        default=2**34, ge=1, le=2**60, description="Bytes of all blobs together that one API key sent and that last."
    )
    blob_grace_s: float = Field(
        default=7 * 86_400.0,
        ge=0,
        le=10 * 366 * 86_400.0,
        description="Seconds that a blob is kept although nothing on the chain names it.",
    )
    checkpoint_s: float = Field(
        default=7 * 86_400.0,
        gt=0,
        le=10 * 366 * 86_400.0,
        description="Seconds that the last state of a training run is kept.",
    )
    bounties: str = Field(
        default=BOUNTIES_OFF,
        description="Whose bounties are answered: `off`, `all`, or contracts' ids with spaces between.",
    )
    bounty_bond: int = Field(
        default=100 * UNITS_PER_TOKEN,
        gt=0,
        le=AMOUNT_MAX,
        description="Base units that are put up for one claim on a bounty at most.",
    )
    bounty_bonded_most: int = Field(
        default=10_000 * UNITS_PER_TOKEN,
        gt=0,
        le=AMOUNT_MAX,
        description="Base units of all bonds ever signed for, those that came back among them; then no claim is made.",
    )
    bounty_fee: int = Field(
        default=UNITS_PER_TOKEN // 10,
        gt=0,
        le=AMOUNT_MAX,
        description="Base units that one transaction of a claim may cost besides the bond, all gas used.",
    )
    bounty_gas: int = Field(
        default=10_000_000_000,
        ge=0,
        le=AMOUNT_MAX,
        description="Gas that answering one bounty's question may take at most.",
    )
    bounty_gain: int = Field(
        default=0,
        ge=0,
        le=AMOUNT_MAX,
        description="Base units by which a reward must exceed fees and gas (at the chain's least price) at least.",
    )
    bounty_blocks: int = Field(
        default=3,
        ge=1,
        le=AMOUNT_MAX,
        description="Blocks for committing that must be left, and for revealing that there must be, at least.",
    )
    stop_deadline_s: float = Field(
        default=20.0,
        gt=0,
        le=3600,
        description="Seconds that all processes together get for stopping before they are killed.",
    )
    log_level: LogLevel = Field(default=LogLevel.INFO, description="Least level that is logged.")
    log_format: LogFormat = Field(
        default=LogFormat.AUTO, description="`json`, `console`, or `auto`: console on a terminal, JSON elsewhere."
    )

    log_to: LogTo = Field(
        default=LogTo.FILES,
        description="Logs of what `accountant up` starts: `files`: `logs/NAME.log` in the data folder, or `stderr`.",
    )
    traces: SecretStr | None = Field(
        default=None,
        description="Where traces go, an OTLP/HTTP endpoint: `http://host:4318`; needs the extra `tracing`; unset: "
        "nothing is measured.",
    )

    @model_validator(mode="after")
    def _both_servers_or_none(self) -> Self:
        if (self.database_url is None) != (self.redis_url is None):
            raise ValueError("set both DATABASE_URL and REDIS_URL, or neither")
        return self

    @model_validator(mode="after")
    def _workers_have_room(self) -> Self:
        if 0 < self.worker_memory_mib < WORKER_MEMORY_LEAST_MIB:
            raise ValueError(f"ANH_WORKER_MEMORY_MIB is 0 or at least {WORKER_MEMORY_LEAST_MIB}")
        if 0 < self.worker_tensor_mib < WORKER_TENSORS_LEAST_MIB:
            raise ValueError(f"ANH_WORKER_TENSOR_MIB is 0 or at least {WORKER_TENSORS_LEAST_MIB}")
        return self

    @model_validator(mode="after")
    def _oath_amounts_ascend(self) -> Self:
        if not self.oath_penalty <= self.oath_deposit <= self.oath_deposited_most:
            raise ValueError("a penalty is at most a deposit, and a deposit at most all deposits together")
        return self

    @model_validator(mode="after")
    def _traces_go_by_http(self) -> Self:
        if not _is_http(self.traces):
            raise ValueError("ANH_TRACES is an OTLP/HTTP endpoint, http://host:port or https://host:port")
        return self

    @model_validator(mode="after")
    def _bounties_are_contracts(self) -> Self:
        if self.bounties in (BOUNTIES_OFF, BOUNTIES_ALL):
            return self
        names = self.bounties.split()
        if not names or not all(_CONTRACT.fullmatch(name) for name in names):
            raise ValueError("`off`, `all`, or contracts, 0x and 64 hex digits each, with spaces between")
        return self

    @property
    def database(self) -> str:
        """The database's URL. Raises `InvalidSettings` if it is not set: a part of a stack is given it."""
        return _needed("DATABASE_URL", self.database_url)

    @property
    def redis(self) -> str:
        """The broker's URL. Raises `InvalidSettings` if it is not set."""
        return _needed("REDIS_URL", self.redis_url)

    @property
    def node(self) -> str:
        """The node's URL, without a slash at the end."""
        return (self.node_url or f"http://{self.node_host}:{self.node_port}").rstrip("/")

    @property
    def tensor_room_bytes(self) -> int | None:
        """What a worker's process has room for, as transactions count tensors; None: no limit.

        Three times as much again is left for what they do not count (`contracts.tensor_means`).
        """
        if self.worker_tensor_mib:
            return self.worker_tensor_mib * _MIB
        if not self.worker_memory_mib:
            return None
        return (self.worker_memory_mib - _WORKER_ITSELF_MIB) * _MIB // 4

    @property
    def traces_url(self) -> str | None:
        """Where spans are sent, OTLP's path filled in where none is named; None, also for an empty text: nowhere."""
        given = "" if self.traces is None else self.traces.get_secret_value().strip()
        if not given:
            return None
        return given.rstrip("/") + "/v1/traces" if urlsplit(given).path in ("", "/") else given

    @property
    def chain_folder(self) -> Path:
        """The folder of genesis, key files and the node's blocks."""
        return self.chain_dir or self.data_dir / "chain"

    @property
    def compiled_folder(self) -> Path:
        """The folder of what this machine's workers compiled contracts to; it may be deleted at any time."""
        return self.data_dir / "compiled"

    @property
    def blobs_url(self) -> str | None:
        """Where blobs are kept; None: in `blobs_folder`."""
        return None if self.blobs is None else self.blobs.get_secret_value()

    @property
    def blobs_folder(self) -> Path:
        """The folder where blobs come in, and stay unless another place was named."""
        return self.data_dir / "blobs"

    @property
    def api_key_path(self) -> Path:
        """The file with the API key that was made at the first start."""
        return self.data_dir / "api-key"

    @property
    def dashboard_link_path(self) -> Path:
        """The file with the one-time link that makes the dashboard's first owner, until it is used."""
        return self.data_dir / "dashboard-link"

    @property
    def metrics_token_path(self) -> Path:
        """The file with the bearer token for the dashboard's `/metrics`, made at the dashboard's start."""
        return self.data_dir / "metrics-token"

    @property
    def node_token_path(self) -> Path:
        """The file with the bearer token for the node's `/neighbours`, made at the node's start."""
        return self.data_dir / "node-token"

    @property
    def signer_folder(self) -> Path:
        """The folder of the signer's socket, its token, and its log of signatures."""
        return self.data_dir / "signer"

    @property
    def accountant_key_path(self) -> Path:
        """The key file that signs oaths."""
        return self.accountant_key or self.chain_folder / "accountant.json"

    @property
    def proposer_key_path(self) -> Path:
        """The key file that signs blocks."""
        return self.proposer_key or self.chain_folder / "proposer.json"

    @property
    def key_password_path(self) -> Path:
        """The file with the key files' password."""
        return self.key_password_file or self.chain_folder / "password"

    def environment(self) -> dict[str, str]:
        """The variables from which another process loads these same settings, secrets included."""
        values = ((variable_of(name), getattr(self, name)) for name in type(self).model_fields)
        return {variable: _text(value) for variable, value in values if value is not None}


def load_settings() -> Settings:
    """The settings of this process's environment. Raises `InvalidSettings`, which repeats no value."""
    try:
        return Settings()
    except ValidationError as error:
        problems = [
            f"{variable_of(str(problem['loc'][0])) if problem['loc'] else 'environment'}: "
            + problem["msg"].removeprefix("Value error, ")
            for problem in error.errors(include_input=False, include_url=False)
        ]
        raise InvalidSettings("; ".join(problems)) from None


def variable_of(name: str) -> str:
    """The environment variable of the setting `name`."""
    alias = Settings.model_fields[name].validation_alias if name in Settings.model_fields else name
    return alias if isinstance(alias, str) else f"{_PREFIX}{name.upper()}"


def describe() -> str:
    """A Markdown table of all settings: variable, default, meaning."""
    rows = ["| Variable | Default | Meaning |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        default = "" if field.default is None else f"`{_text(field.default)}`"
        rows.append(f"| `{variable_of(name)}` | {default} | {field.description} |")
    return "\n".join(rows)


def _is_http(value: SecretStr | None) -> bool:
    """Whether a value is unset, empty, or the URL of a host."""
    given = "" if value is None else value.get_secret_value().strip()
    try:
        parts = urlsplit(given)
        return not given or (parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0)
    except ValueError:
        return False


def _needed(variable: str, value: SecretStr | None) -> str:
    if value is None:
        raise InvalidSettings(f"{variable} is not set: `accountant up` sets it for the processes that it starts")
    return value.get_secret_value()


def _text(value: object) -> str:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return str(value)
