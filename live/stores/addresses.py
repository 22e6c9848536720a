"""Stores of copies by their addresses.

QUANT_STATE_COPIES="redis://localhost:6379/0 s3://bucket/prefix?endpoint=http://localhost:9000 file:///mnt/copies"
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from live.errors import ConfigError
from live.stores.files import FileStore
from live.stores.protocol import Store
from live.stores.redis import RedisStore
from live.stores.s3 import S3Store

COPIES = "QUANT_STATE_COPIES"
ORDER = ("redis", "rediss", "file", "s3")  # in which they are asked at the start


def stores_of(environment: Mapping[str, str]) -> tuple[Store, ...]:
    """The stores that an environment names, in the order in which they are asked; nothing is connected yet.

    Raises:
        ConfigError: if an address is none, or the package that speaks to it is not installed.
    """
    addresses = environment.get(COPIES, "").split()
    kinds = [urlsplit(address).scheme for address in addresses]
    for kind, address in zip(kinds, addresses, strict=True):
        if kind not in ORDER:
            raise ConfigError(
                f"{COPIES}: an address begins with {', '.join(f'{k}://' for k in ORDER)}; got {_shown(address)!r}"
            )
    ranked = sorted(zip(kinds, addresses, strict=True), key=lambda one: ORDER.index(one[0]))
    return tuple(_store(kind, address) for kind, address in ranked)


def _shown(address: str) -> str:
    """An address without what is secret in it: user, password, query."""
    head, colons, rest = address.partition("?")[0].rpartition("://")
    return f"{head}{colons}{rest.rpartition('@')[2]}"


def _store(kind: str, address: str) -> Store:
    parts = urlsplit(address)
    try:
        if kind == "file":
            if parts.netloc or not parts.path.strip("/"):
                raise ConfigError(f"{COPIES}: a folder is file:///path, got file://{parts.netloc}{parts.path}")
            return FileStore(Path(unquote(parts.path)))
        if kind == "s3":
            if not parts.netloc:
                raise ConfigError(f"{COPIES}: an S3 address names a bucket, s3://bucket/prefix")
            return S3Store(address)
        return RedisStore(address)
    except ImportError as error:
        extra = "s3" if kind == "s3" else "redis"
        raise ConfigError(
            f"{COPIES}: {kind}:// needs a package ({error}); pip install quantlib-parity[{extra}]"
        ) from error
    except ValueError as error:
        raise ConfigError(f"{COPIES}: {kind}://{parts.netloc.rpartition('@')[2]} makes no sense ({error})") from error
