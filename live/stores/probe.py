"""Whether a store takes, gives back and lets go: tried with a small probe, sealed as what will be copied there."""

from __future__ import annotations

import secrets

from live.errors import StoreError
from live.seal import Seal, disclosed, enclosed
from live.stores.protocol import Store

FOLDER = "probes"  # beside those of sessions
ABOUT = b"probe of a store"
SIZE = 64  # random bytes of a probe


def probe(store: Store, seal: Seal | None = None) -> None:
    """Write a probe into a store, find and read it, and take it out again.

    Raises:
        StoreError: if the store does not answer, or not as it must.
        SealError: if what it gives back does not open.
    """
    name, plain = secrets.token_hex(8), secrets.token_bytes(SIZE)
    written = enclosed(plain, ABOUT, seal.fresh() if seal is not None else None)
    store.put(FOLDER, name, written)
    try:
        read = store.get(FOLDER, name)
        if read is None or name not in store.newest(FOLDER) or name not in store.below(FOLDER):
            raise StoreError(f"{store.name}: a probe of {len(written)} bytes that it took is not there")
        if disclosed(f"{store.name}: a probe", read, ABOUT, seal) != plain:
            raise StoreError(f"{store.name}: a probe that it took came back as {len(read)} other bytes")
    finally:
        store.drop(FOLDER, name)
    if store.get(FOLDER, name) is not None:
        raise StoreError(f"{store.name}: a probe that was removed is still there")
