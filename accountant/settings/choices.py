"""Words that settings are chosen from."""

from enum import StrEnum

BOUNTIES_OFF, BOUNTIES_ALL = "off", "all"


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
