"""A supervised stack of small real processes, as a library and as a program that a test can kill.

As a program: `python -m tests.support.small_stack DATA_DIR [DATABASE_URL REDIS_URL]` runs until SIGTERM or SIGINT.
"""

import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from pydantic import SecretStr

from accountant.settings import Settings
from accountant.supervisor.process import Backoff, ProcessSpec
from accountant.supervisor.readiness import answers_http
from accountant.supervisor.stack import Stack

WEB = """
import http.server, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(os.environ[self.path.strip("/")].encode())
http.server.HTTPServer(("127.0.0.1", int(os.environ["ANH_API_PORT"])), Handler).serve_forever()
"""

# writes its name when it starts and when it is asked to end
DIARY = """
import os, signal, sys, time
name, diary = sys.argv[1], os.path.join(os.environ["ANH_DATA_DIR"], "diary")
def write(word):
    with open(diary, "a") as file:
        file.write(f"{name} {word}\\n")
def end(*_):
    write("ended")
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
write("started")
while True:
    time.sleep(0.05)
"""

# deaf to SIGTERM, with a child that is deaf too
DEAF = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if len(sys.argv) == 1:
    subprocess.Popen([sys.executable, "-c", open("/proc/self/cmdline").read().split("\\0")[2], "child"])
time.sleep(600)
"""

QUICK = Backoff(first_s=0.1, most_s=0.4, healthy_s=5.0)


def python(name: str, program: str, *arguments: str, stop_s: float = 5.0) -> ProcessSpec:
    """A spec that runs `program` with this interpreter and comes back quickly after a crash."""
    return ProcessSpec(name, (sys.executable, "-c", program, *arguments), backoff=QUICK, stop_s=stop_s)


def web(settings: Settings) -> ProcessSpec:
    """A web server on the API's port that answers `/NAME` with the environment variable NAME."""
    url = f"http://{settings.api_host}:{settings.api_port}/ANH_DATA_DIR"
    return ProcessSpec("web", (sys.executable, "-c", WEB), ready=answers_http(url), before_others=True, backoff=QUICK)


def small_processes(settings: Settings) -> Sequence[ProcessSpec]:
    """A web server and two writers of the diary."""
    return web(settings), python("first", DIARY, "first"), python("second", DIARY, "second")


def small_stack(
    data_dir: Path,
    urls: tuple[str, str] | None,
    processes: Callable[[Settings], Sequence[ProcessSpec]] = small_processes,
    stop_deadline_s: float = 15.0,
) -> Stack:
    """A stack under `data_dir` on free ports; `urls` name the servers to use, None: embedded ones of its own."""
    secret = [SecretStr(url) for url in urls] if urls else [None, None]
    settings = Settings(
        data_dir=data_dir,
        database_url=secret[0],
        redis_url=secret[1],
        api_port=0,
        dashboard_port=0,
        node_port=0,
        stop_deadline_s=stop_deadline_s,
    )
    return Stack(settings, processes=processes, prepare=lambda _settings: "the-key", durable=False)


def main(arguments: list[str]) -> None:
    """Runs a small stack until it is told to stop; prints a line when it is up."""
    urls = (arguments[1], arguments[2]) if len(arguments) > 1 else None
    stack = small_stack(Path(arguments[0]), urls)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stack.ask_to_stop())
    with stack:
        print("up", stack.api_url, flush=True)
        stack.wait()


if __name__ == "__main__":
    main(sys.argv[1:])
