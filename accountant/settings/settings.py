"""All settings together: what must hold among them, what follows from them, and how they are read and written."""

import re
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import SecretStr, ValidationError, model_validator

from accountant.primitives.errors import AccountantError
from accountant.settings.choices import BOUNTIES_ALL, BOUNTIES_OFF
from accountant.settings.fields import PREFIX, Fields

_CONTRACT = re.compile(r"0x[0-9a-fA-F]{64}", re.ASCII)

WORKER_MEMORY_LEAST_MIB = 768
"""Measured: below 260 a worker's process starts no job, from 420 on it does small ones, with 511 in use."""


WORKER_TENSORS_LEAST_MIB = 64
"""What every transaction may hold without saying so, unless genesis says otherwise."""
_WORKER_ITSELF_MIB = 512
"""Of addresses: what a worker's process takes before it holds a tensor."""
_MIB = 1024 * 1024


class InvalidSettings(AccountantError):
    """An environment variable that holds no valid setting, or two that contradict each other."""

    code = "invalid_settings"


class Settings(Fields):
    """All settings; read-only. Make it with `load_settings`, which explains what is wrong with a bad environment."""

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
    return alias if isinstance(alias, str) else f"{PREFIX}{name.upper()}"


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
