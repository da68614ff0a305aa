"""Each setting with its default, its limits and what it means; what follows from them is in `settings`."""

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from accountant.primitives.types import AMOUNT_MAX, UNITS_PER_TOKEN
from accountant.settings.choices import BOUNTIES_OFF, LogFormat, LogLevel, LogTo, Sandbox, WorkerDevice

PREFIX = "ANH_"
_CENTURY_S = 100 * 366 * 86_400.0


class Fields(BaseSettings):
    """What the environment may say, one variable each, in the order of the documented table."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, hide_input_in_errors=True, populate_by_name=True, extra="forbid"
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
