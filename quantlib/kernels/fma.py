"""The fused multiply-add a b + c, rounded once: one instruction of the processor that Python and numba do not offer.

Where a processor lacks it the compiler calls the C library's `fma`, which gives the same bits, slower.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any


class FusedMultiplyAdd:
    """What kernels call as `fma(a, b, c)`; numba is loaded when the first of them compiles."""

    __qualname__ = "fma"  # what fingerprints of kernels know it by

    @cached_property
    def _numba_type_(self) -> Any:
        from numba import types
        from numba.core.typing.templates import make_intrinsic_template

        def typed(typing: Any, a: Any, b: Any, c: Any) -> Any:
            return types.float64(types.float64, types.float64, types.float64), _instruction

        return types.Function(make_intrinsic_template(self, typed, "fma"))


def _instruction(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    return builder.fma(*arguments)


fma = FusedMultiplyAdd()
