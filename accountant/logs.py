"""Structured logs on standard error: one line an event, JSON or for a console, with secrets struck out.

uvicorn's, Celery's and every other library's standard logging takes the same way. Start uvicorn with
`log_config=None` and Celery with `worker_hijack_root_logger=False`, so that they leave it in place.
"""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Final

import structlog
from structlog.types import EventDict, Processor

from accountant.settings import LogFormat, LogLevel
from accountant.tracing import spans

STRUCK_OUT: Final = "[secret]"
_SECRET_NAME = re.compile(r"passw|secret|token|api_?key|private_?key|authorization|cookie|credential", re.IGNORECASE)
_SECRET_TEXT = re.compile(r"(?<=://)[^/\s@]*:[^/\s@]*(?=@)|\banh_[0-9a-f]{12}_[A-Za-z0-9_-]{43}|(?<=Bearer )\S+")
_QUIET: Final = {
    "httpx": logging.WARNING,
    "httpcore": logging.WARNING,
    "urllib3": logging.WARNING,
    "alembic": logging.WARNING,
    "opentelemetry.exporter": logging.CRITICAL,  # a collector that is down: `tracing.otlp` says it once
    "opentelemetry.trace": logging.CRITICAL,  # malformed headers of clients
}


def configure_logs(level: LogLevel, log_format: LogFormat, process: str) -> None:
    """Sends everything that this process logs to standard error, each line marked with the `process`'s name."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _marker(process),
        spans.mark,
    ]
    console = log_format is LogFormat.CONSOLE or (log_format is LogFormat.AUTO and sys.stderr.isatty())
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                strike_out,
                structlog.dev.ConsoleRenderer() if console else structlog.processors.JSONRenderer(),
            ],
        )
    )
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.processors.StackInfoRenderer(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    _route_everything_to(handler, logging.getLevelNamesMapping()[level.upper()])


def strike_out(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Replaces values with a secret's name, and passwords in URLs, API keys and bearer tokens in any text."""
    return {name: _clean(name, value) for name, value in event.items()}


def _clean(name: str, value: object) -> object:
    if _SECRET_NAME.search(name):
        return STRUCK_OUT
    if isinstance(value, str):
        return _SECRET_TEXT.sub(STRUCK_OUT, value)
    if isinstance(value, dict):
        return {key: _clean(str(key), inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_clean("", inner) for inner in value]
    return value


def _marker(process: str) -> Processor:
    def mark(_logger: object, _method: str, event: MutableMapping[str, object]) -> MutableMapping[str, object]:
        event["process"] = process
        return event

    return mark


def _route_everything_to(handler: logging.Handler, level: int) -> None:
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for name in list(logging.root.manager.loggerDict):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    for name, least in _QUIET.items():
        logging.getLogger(name).setLevel(max(level, least))
