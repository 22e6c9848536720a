"""What a table of the catalog holds."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from quantlib.core import Feature


class Entry(NamedTuple):
    """A factory, and parameters that let a tape of a few hundred rows go beyond its horizon."""

    factory: Callable[..., Feature]
    short: Mapping[str, Any]
