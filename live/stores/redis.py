"""A Redis server as a store of copies: a hash for each folder, a field for each name."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from live.errors import StoreError

T = TypeVar("T")
CONNECT, ANSWER = 2.0, 10.0  # seconds
SCANNED = 1000  # keys that a turn of SCAN looks at
MAGICAL = re.compile(r"([\\*?\[\]^-])")  # what a pattern of SCAN would not take to the letter
PREFIX = "quant"  # of every key, unless the address says ?prefix=


class RedisStore:
    """Hashes of one database.

    Args:
        address: redis://[user:password@]host[:port][/database][?prefix=quant], or rediss:// for TLS.
    """

    def __init__(self, address: str) -> None:
        import redis
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        parts = urlsplit(address)
        asked = dict(parse_qsl(parts.query))
        self._prefix = asked.pop("prefix", PREFIX)
        self.name = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
        self._refusals = redis.RedisError
        self._client: Any = redis.Redis.from_url(
            urlunsplit(parts._replace(query=urlencode(asked))),
            socket_connect_timeout=CONNECT, socket_timeout=ANSWER, retry=Retry(NoBackoff(), 0),
        )  # fmt: skip

    def __repr__(self) -> str:
        return f"RedisStore({self.name!r})"

    def put(self, folder: str, name: str, data: bytes) -> None:
        """Set the field."""
        self._tried(lambda: self._client.hset(self._key(folder), name, data))

    def get(self, folder: str, name: str) -> bytes | None:
        """The field's value."""
        found: bytes | None = self._tried(lambda: self._client.hget(self._key(folder), name))
        return found

    def newest(self, folder: str) -> list[str]:
        """The fields, the last of the alphabet first."""
        return sorted(self._fields(self._key(folder)), reverse=True)

    def below(self, folder: str) -> list[str]:
        """The fields of its hash, and of those whose keys go on from its own."""
        key = self._key(folder)
        within = MAGICAL.sub(r"\\\1", key) + "/*"
        found = self._tried(lambda: sorted({one.decode() for one in self._client.scan_iter(within, SCANNED)}))
        deeper = [f"{one.removeprefix(f'{key}/')}/{name}" for one in found for name in self._fields(one)]
        return [*self._fields(key), *deeper]

    def drop(self, folder: str, name: str) -> None:
        """Delete the field."""
        self._tried(lambda: self._client.hdel(self._key(folder), name))

    def close(self) -> None:
        """Disconnect."""
        self._client.close()

    def _fields(self, key: str) -> list[str]:
        return [name.decode() for name in self._tried(lambda: self._client.hkeys(key))]

    def _key(self, folder: str) -> str:
        return f"{self._prefix}/{folder}"

    def _tried(self, job: Callable[[], T]) -> T:
        try:
            return job()
        except (self._refusals, OSError) as error:
            raise StoreError(f"{self.name}: {type(error).__name__}: {error}") from error
