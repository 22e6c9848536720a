"""How state is kept safe: the seal on it, and where else copies of it are kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from live.seal import Seal, seal_of
from live.stores.addresses import stores_of
from live.stores.protocol import Store


class Keeping(NamedTuple):
    """What is done about state besides writing it into the session's folder.

    seal    of a passphrase; None: files are in the clear
    stores  where copies go, in the order in which they are asked at the start
    """

    seal: Seal | None = None
    stores: tuple[Store, ...] = ()


PLAIN = Keeping()


def keeping_of(environment: Mapping[str, str]) -> Keeping:
    """As an environment asks for it: QUANT_PASSPHRASE or QUANT_PASSPHRASE_FILE, QUANT_STATE_COPIES.

    Raises:
        ConfigError: if what it says makes no sense.
    """
    return Keeping(seal_of(environment), stores_of(environment))
