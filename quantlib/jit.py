"""One decorator for every compiled loop: lazy, cached on disk, and never stale.

`@kernel` costs nothing at import: numba is loaded and the function compiled at its first call.  Compiled code is kept
on disk under a fingerprint of everything that went into it: the function's own code and constants, the global numbers
it reads, and the fingerprints of the kernels it calls.  An edit anywhere in that tree gives another fingerprint, so an
old number can never come back from the cache, and an edit elsewhere recompiles nothing.

The cache folder is numba's own (`NUMBA_CACHE_DIR`, or the user's cache folder).  It is the one thing this module
leaves behind, and no result depends on it.
"""

from __future__ import annotations

import hashlib
import os
import pickle
from collections.abc import Callable
from functools import cached_property, update_wrapper
from types import CodeType, FunctionType
from typing import Any

import numpy as np

# Never fastmath: it breaks bit identity.  Kernels own no memory (the caller keeps their arrays alive), so `_nrt` is
# off: numba would else count references of every array of every call, which costs the desk more than its work.
OPTIONS = {"nogil": True, "error_model": "numpy", "_nrt": False}
VERSION = b"2"  # change it when the meaning of a fingerprint changes


class Kernel:
    """A function that compiles itself at its first call and may be called by other kernels."""

    def __init__(self, function: FunctionType, inlined: bool = False) -> None:
        self.function = function
        self.inlined = inlined
        update_wrapper(self, function)

    def __repr__(self) -> str:
        return f"<kernel {self.function.__module__}.{self.function.__qualname__}>"

    def __call__(self, *args: Any) -> Any:
        return self.dispatcher(*args)

    @cached_property
    def dispatcher(self) -> Any:
        """The numba dispatcher, built at first use."""
        from numba import njit

        built = njit(**OPTIONS, forceinline=self.inlined)(self.function)
        built._cache = _disk_cache(self.function, self.fingerprint)
        return built

    @cached_property
    def fingerprint(self) -> str:
        """Hex digest of all that the compiled code depends on."""
        seen: dict[int, bytes] = {}
        return _digest(self, seen).hex()

    @property
    def signatures(self) -> int:
        """How many signatures have been compiled in this process (the law says: one)."""
        return len(self.dispatcher.signatures) if "dispatcher" in self.__dict__ else 0

    @property
    def _numba_type_(self) -> Any:
        return self.dispatcher._numba_type_

    def __reduce__(self) -> tuple[Any, ...]:
        return _by_name, (self.function.__module__, self.function.__qualname__)


def kernel(function: Callable[..., Any]) -> Kernel:
    """Mark a function as a compiled loop, or as a part of one that is called."""
    return Kernel(_plain(function))


def block(function: Callable[..., Any]) -> Kernel:
    """Mark a function as a block of a kernel: its code is put where it is called, so that a hot row costs no call."""
    return Kernel(_plain(function), inlined=True)


def _plain(function: Callable[..., Any]) -> FunctionType:
    if not isinstance(function, FunctionType):
        raise TypeError(f"kernel: wants a plain function, got {type(function).__name__} {function!r}")
    return function


def _by_name(module: str, qualname: str) -> Any:
    import importlib

    found: Any = importlib.import_module(module)
    for part in qualname.split("."):
        found = getattr(found, part)
    return found


def _digest(one: Kernel, seen: dict[int, bytes]) -> bytes:
    if id(one) in seen:
        return seen[id(one)]
    seen[id(one)] = b"cycle"
    sha = hashlib.sha256(VERSION + bytes([one.inlined]) + os.environ.get("NUMBA_BOUNDSCHECK", "").encode())
    code = one.function.__code__
    sha.update(_code_bytes(code))
    for name, value in sorted(_globals_of(one.function).items()):
        sha.update(name.encode() + b"=" + (_digest(value, seen) if isinstance(value, Kernel) else _value_bytes(value)))
    seen[id(one)] = sha.digest()
    return seen[id(one)]


def _code_bytes(code: CodeType) -> bytes:
    constants = [_code_bytes(c) if isinstance(c, CodeType) else repr(c).encode() for c in code.co_consts]
    names = repr((code.co_names, code.co_varnames, code.co_freevars)).encode()
    return b"|".join([code.co_code, names, *constants])


def _globals_of(function: FunctionType) -> dict[str, Any]:
    """Globals and closure cells that the function reads; attributes of modules are versions, not code of ours."""
    cells = dict(zip(function.__code__.co_freevars, (c.cell_contents for c in function.__closure__ or ()), strict=True))
    names = set(function.__code__.co_names)
    for constant in function.__code__.co_consts:
        if isinstance(constant, CodeType):
            names |= set(constant.co_names)
    return {n: function.__globals__[n] for n in names if n in function.__globals__} | cells


def _value_bytes(value: Any) -> bytes:
    if isinstance(value, FunctionType):
        return _code_bytes(value.__code__)
    if isinstance(value, np.ndarray):
        return repr((value.dtype.descr, value.shape)).encode() + value.tobytes()
    if isinstance(value, (int, float, str, bool, tuple, np.generic)):
        return repr(value).encode()
    return getattr(value, "__qualname__", getattr(value, "__name__", type(value).__qualname__)).encode()


def _disk_cache(function: FunctionType, fingerprint: str) -> Any:
    from numba import config
    from numba.core import caching
    from numba.misc.appdirs import AppDirs

    if function.__module__ == "__main__":  # its parameter classes are new in every process, so nothing would be found
        return caching.NullCache()

    folder = os.path.join(config.CACHE_DIR or AppDirs(appname="numba", appauthor=False).user_cache_dir, "quantlib")

    class Locator(caching._CacheLocator):  # type: ignore[misc]
        def get_cache_path(self) -> str:
            return folder

        def get_source_stamp(self) -> str:
            return fingerprint

        def get_disambiguator(self) -> str:
            return fingerprint[:16]

        @classmethod
        def from_function(cls, py_func: FunctionType, py_file: str) -> Any:
            return cls()

    class Impl(caching.CompileResultCacheImpl):  # type: ignore[misc]
        _locator_classes = (Locator,)

    class Disk(caching.FunctionCache):  # type: ignore[misc]
        _impl_class = Impl

        def load_overload(self, sig: Any, target_context: Any) -> Any:
            try:
                return super().load_overload(sig, target_context)
            except (AttributeError, ImportError, EOFError, pickle.UnpicklingError):
                self.flush()  # an index that names a class which has moved, or is cut short: compile anew
                return None

    try:
        return Disk(function)
    except (RuntimeError, OSError, TypeError):  # code typed at a bare prompt has no file: compiled once per process
        return caching.NullCache()
