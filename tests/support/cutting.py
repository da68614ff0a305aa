"""A proxy that breaks connections: the first ones end after so many bytes, in either direction."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit


@contextmanager
def cutting(url: str, after_bytes: int, times: int) -> Iterator[str]:
    """The URL of a proxy before `url`, which cuts its first connections after so many bytes have passed."""
    target = urlsplit(url)
    listening = socket.create_server(("127.0.0.1", 0))
    threads: list[threading.Thread] = []
    left = [times]

    def serve() -> None:
        while True:
            try:
                client, _ = listening.accept()
            except OSError:
                return
            budget = after_bytes if left[0] > 0 else None
            left[0] -= 1
            server = socket.create_connection((str(target.hostname), target.port or 0))
            pair = _Pair(client, server, budget)
            for source, sink in ((client, server), (server, client)):
                threads.append(threading.Thread(target=pair.pump, args=(source, sink), daemon=True))
                threads[-1].start()

    accepting = threading.Thread(target=serve)
    accepting.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        accepting.join(60)


class _Pair:
    def __init__(self, client: socket.socket, server: socket.socket, budget: int | None) -> None:
        self._both, self._budget, self._lock = (client, server), budget, threading.Lock()

    def pump(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(16_384):
                with self._lock:
                    if self._budget is not None:
                        self._budget -= len(data)
                        if self._budget < 0:
                            break
                sink.sendall(data)
        for end in self._both:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
