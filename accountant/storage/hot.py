"""The hot layer: bytes in Redis that Postgres also has. Losing, flushing or poisoning it costs time, nothing else.

Every value carries an HMAC-SHA-256 under a key that only the database knows, over its name and its bytes: what
somebody else wrote, what was damaged, and what another database's chain left behind is a miss.
"""

import hmac
import time
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any, cast

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

MAC_BYTES = 32
VALUE_BYTES_MAX = 1024 * 1024
KEEP_S = 6 * 3600
PAUSE_S = 1.0
CONNECT_TIMEOUT_S = 0.25
ANSWER_TIMEOUT_S = 2.0

Redis = redis.Redis
RedisError = redis.RedisError


def redis_of(url: str) -> Redis:
    """A client that fails soon, so that an absent Redis delays nobody."""
    return redis.Redis.from_url(
        url,
        socket_connect_timeout=CONNECT_TIMEOUT_S,
        socket_timeout=ANSWER_TIMEOUT_S,
        retry=Retry(NoBackoff(), 1),
    )


class HotLayer:
    """Values by name, kept a few hours. No method raises `RedisError`: after one, Redis is left alone for a moment."""

    def __init__(self, client: Redis | None, secret: bytes) -> None:
        """`client`: None for none. `secret`: the database's own random key."""
        self._client = client
        self._secret = secret
        self._space = b"anh:" + sha256(b"anh/hot\x00" + secret).hexdigest()[:16].encode() + b":"
        self._silent_until = 0.0

    def get_many(self, names: Sequence[bytes]) -> list[bytes | None]:
        """The values, None where there is none that can be trusted."""
        keys = [self._space + name for name in names]
        if not keys or not self._asked():
            return [None] * len(keys)
        try:
            found = cast("list[bytes | None]", self._client.mget(keys))  # type: ignore[union-attr]
        except RedisError:
            self._silence()
            return [None] * len(keys)
        return [self._trusted(key, value) for key, value in zip(keys, found, strict=True)]

    def put_many(self, values: Mapping[bytes, bytes]) -> None:
        """Keep values by name for a while, but large ones."""
        if not values or not self._asked():
            return
        pipeline = self._client.pipeline(transaction=False)  # type: ignore[union-attr]
        for name, value in values.items():
            if len(value) <= VALUE_BYTES_MAX:
                key = self._space + name
                pipeline.set(key, self._mac(key, value) + value, ex=KEEP_S)
        try:
            pipeline.execute()
        except RedisError:
            self._silence()

    def _trusted(self, key: bytes, stored: Any) -> bytes | None:
        if not isinstance(stored, bytes) or len(stored) < MAC_BYTES:
            return None
        value = stored[MAC_BYTES:]
        return value if hmac.compare_digest(stored[:MAC_BYTES], self._mac(key, value)) else None

    def _mac(self, key: bytes, value: bytes) -> bytes:
        return hmac.digest(self._secret, len(key).to_bytes(4, "big") + key + value, "sha256")

    def _asked(self) -> bool:
        return self._client is not None and time.monotonic() >= self._silent_until

    def _silence(self) -> None:
        self._silent_until = time.monotonic() + PAUSE_S
