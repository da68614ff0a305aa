"""Logs go to standard error in one form, and secrets do not."""

import json
import subprocess
import sys

PROGRAM = """
import logging, structlog
from accountant.logs import configure_logs
from accountant.settings import LogFormat, LogLevel
library = logging.getLogger("uvicorn.error")
library.addHandler(logging.StreamHandler())
configure_logs(LogLevel.INFO, LogFormat("{form}"), "worker")
structlog.get_logger("a").info("began", url="redis://:hidden@h/0", password="hidden", inner={{"api_key": "hidden"}})
library.warning("key %s", "anh_0123456789ab_" + 43 * "x")
structlog.get_logger("a").debug("not at this level")
try:
    raise ValueError("postgresql://user:hidden@h/0")
except ValueError:
    logging.getLogger("b").exception("failed")
"""


def _logged(form: str) -> tuple[str, str]:
    """What the program wrote to standard output and standard error."""
    done = subprocess.run([sys.executable, "-c", PROGRAM.format(form=form)], capture_output=True, text=True, check=True)
    return done.stdout, done.stderr


def test_json_lines_hold_everything_once() -> None:
    """Our events and a library's come as JSON lines on standard error, each once, marked with the process."""
    out, err = _logged("json")
    lines = [json.loads(line) for line in err.splitlines()]
    assert out == ""
    assert [line["event"] for line in lines] == ["began", "key [secret]", "failed"]
    assert [line["logger"] for line in lines] == ["a", "uvicorn.error", "b"]
    assert {line["process"] for line in lines} == {"worker"}
    assert "ValueError" in lines[2]["exception"]


def test_no_form_shows_a_secret() -> None:
    """Passwords in fields, nested fields, URLs, keys and tracebacks are struck out in both forms."""
    for form in ("json", "console"):
        _, err = _logged(form)
        assert "began" in err
        assert "hidden" not in err
        assert "xxxx" not in err
