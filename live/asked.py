"""What a command line asks for, held against the words and names there are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from live.errors import ConfigError
from quantlib.core import nearest


def refuse_unknown(word: str, words: Sequence[str]) -> None:
    """Refuse a word that is none of those there are.

    Raises:
        ConfigError: naming the nearest, and all.
    """
    if word not in words:
        raise ConfigError(f"there is no word {word!r}.{nearest(word, words)} There are {', '.join(words)}")


def refuse_repeats(symbols: Iterable[str] | None) -> None:
    """Refuse a symbol that is named twice.

    Raises:
        ConfigError: naming it.
    """
    twice = [symbol for symbol, times in Counter(symbols or ()).items() if times > 1]
    if twice:
        raise ConfigError(
            f"--symbols: each may be named once, got {', '.join(twice)} more than once; leave the rest out"
        )
