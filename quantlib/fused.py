"""Many compiled loops behind one call: what one row through a whole set of features costs from Python.

A call of one compiled loop costs Python about a microsecond, most of it spent on looking at the arguments.  The rows of
a stream travel in the same columns each time, so the arguments of all calls are known beforehand: here they are written
into one machine function as constants, and sixty calls cost as much as one.  The loops themselves are not compiled
again: they are called where they lie, so not one bit of any output can change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from ctypes import CFUNCTYPE, c_int64
from itertools import count
from typing import Any

import numpy as np

from quantlib.jit import Kernel

Call = tuple[Kernel, tuple[Any, ...]]  # a compiled loop and its arguments: NamedTuples of numbers, and arrays

_names = count()


def fused(calls: Sequence[Call]) -> Callable[[], None]:
    """One function that makes all the calls, in their order.

    The arrays among the arguments are read and written where they lie now; the function keeps them alive.

    Raises:
        RuntimeError: by the function, if one of the loops failed; the loops after it were not called.
    """
    from llvmlite import ir
    from numba.core.compiler_lock import global_compiler_lock

    overloads = [_overload(loop, arguments) for loop, arguments in calls]
    if not overloads:
        return lambda: None
    library = overloads[0].target_context.codegen().create_library("fused")
    module = library.create_ir_module("fused")
    name = f"quantlib_fused_{next(_names)}"
    driver = ir.Function(module, ir.FunctionType(ir.IntType(64), ()), name)
    builder = ir.IRBuilder(driver.append_basic_block())
    for place, (overload, (_, arguments)) in enumerate(zip(overloads, calls, strict=True)):
        failed = _called(builder, overload, arguments)
        with builder.if_then(failed, likely=False):
            builder.ret(ir.IntType(64)(place + 1))
    builder.ret(ir.IntType(64)(0))
    with global_compiler_lock:
        library.add_ir_module(module)
        library.finalize()
    return _Driver(library, CFUNCTYPE(c_int64)(library.get_pointer_to_function(name)), tuple(calls))


class _Driver:
    """The function, with all that its constants point to."""

    __slots__ = ("calls", "function", "library")

    def __init__(self, library: Any, function: Callable[[], int], calls: tuple[Call, ...]) -> None:
        self.library, self.function, self.calls = library, function, calls

    def __call__(self) -> None:
        if failed := self.function():
            raise RuntimeError(f"fused: {self.calls[failed - 1][0]!r} failed; its memory may be half changed")


def _overload(loop: Kernel, arguments: tuple[Any, ...]) -> Any:
    """The machine code of the loop for arguments of these types, compiled if it is not yet."""
    from numba import typeof

    signature = tuple(typeof(argument) for argument in arguments)
    loop.dispatcher.compile(signature)
    return loop.dispatcher.overloads[signature]


def _called(builder: Any, overload: Any, arguments: tuple[Any, ...]) -> Any:
    """The code of one call with constant arguments; whether it failed."""
    from llvmlite import ir

    address = overload.library.get_pointer_to_function(overload.fndesc.llvm_func_name)
    kind = overload.target_context.call_conv.get_function_type(overload.fndesc.restype, overload.fndesc.argtypes)
    numbers = [number for argument in arguments for number in _flat(argument)]
    answer, error, *wanted = kind.args
    values = [_constant(t, number) for t, number in zip(wanted, numbers, strict=True)]
    room = [builder.alloca(answer.pointee), builder.alloca(error.pointee)]
    loop = builder.inttoptr(ir.Constant(ir.IntType(64), address), kind.as_pointer())
    status = builder.call(loop, [*room, *values])
    return builder.icmp_signed("!=", status, ir.Constant(status.type, 0))


def _flat(argument: Any) -> Iterator[int | float]:
    """An argument as numba passes it: the numbers of a tuple; owner, sizes, place, shape and strides of an array."""
    if isinstance(argument, np.ndarray):
        yield from (0, 0, argument.size, argument.itemsize, argument.ctypes.data, *argument.shape, *argument.strides)
    else:
        yield from argument


def _constant(kind: Any, number: int | float) -> Any:
    from llvmlite import ir

    if isinstance(kind, ir.PointerType):
        return ir.Constant(ir.IntType(64), int(number)).inttoptr(kind)
    return ir.Constant(kind, number)
