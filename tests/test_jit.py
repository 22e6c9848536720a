"""The kernel decorator: lazy, cached under a fingerprint of all that it compiles, never stale."""

import ast
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from quantlib.jit import Kernel, block, kernel

OFFSET = 1.0
ROOT = str(Path(__file__).parents[1])


@block
def shifted(x):
    return x + OFFSET


@kernel
def total(values):
    s = 0.0
    for i in range(values.size):
        s += shifted(values[i])
    return s


def variant(offset):
    """`shifted` and `total` as they would be if OFFSET were written otherwise."""
    scope = {"block": block, "kernel": kernel, "__name__": __name__, "OFFSET": offset}
    exec(
        textwrap.dedent("""
        @block
        def shifted(x):
            return x + OFFSET
        @kernel
        def total(values):
            s = 0.0
            for i in range(values.size):
                s += shifted(values[i])
            return s
        """),
        scope,
    )
    return scope["total"]


def test_a_kernel_calls_blocks_and_compiles_once():
    assert total(np.zeros(3)) == 3.0
    assert total(np.ones(5)) == 10.0
    assert total.signatures == 1


def test_a_constant_of_a_callee_changes_the_fingerprint_of_its_callers():
    assert variant(1.0).fingerprint == variant(1.0).fingerprint
    assert variant(1.0).fingerprint != variant(2.0).fingerprint


def test_a_literal_in_the_body_changes_the_fingerprint():
    def one(x):
        return x + 1.0

    def two(x):
        return x + 2.0

    two.__name__, two.__qualname__ = one.__name__, one.__qualname__
    assert kernel(one).fingerprint != kernel(two).fingerprint


def test_a_block_is_not_the_kernel_of_the_same_source():
    def one(x):
        return x

    assert kernel(one).fingerprint != block(one).fingerprint


def test_only_a_plain_function_becomes_a_kernel():
    with pytest.raises(TypeError, match="wants a plain function, got int 3"):
        kernel(3)


def test_decorating_does_not_import_numba():
    code = "import sys, quantlib.jit as j; j.kernel(lambda x: x); sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_an_edit_of_a_callee_in_another_file_is_never_answered_from_the_cache(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "import numpy as np, outer\n"
        "print(outer.run(np.ones(2)), sum(outer.run.dispatcher.stats.cache_hits.values()))\n"
    )
    (tmp_path / "outer.py").write_text(
        "from inner import part\nfrom quantlib.jit import kernel\n"
        "@kernel\ndef run(x):\n    return part(x[0]) + part(x[1])\n"
    )
    inner = tmp_path / "inner.py"
    environment = os.environ | {
        "NUMBA_CACHE_DIR": str(tmp_path / "cache"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": ROOT,
    }

    def answer(body):
        inner.write_text(f"from quantlib.jit import kernel\n@kernel\ndef part(x):\n    return {body}\n")
        run = [sys.executable, str(program), str(tmp_path)]
        done = subprocess.run(run, check=True, capture_output=True, text=True, env=environment, cwd=os.getcwd())
        return done.stdout.split()

    assert answer("x + 1.0") == ["4.0", "0"]
    assert answer("x + 1.0") == ["4.0", "1"]
    assert answer("x + 2.0") == ["6.0", "0"]


def test_a_damaged_cache_is_compiled_anew(tmp_path):
    (tmp_path / "module.py").write_text("from quantlib.jit import kernel\n@kernel\ndef run(x):\n    return x[0]\n")
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import numpy as np, module; print(module.run(np.ones(1)))"
    )
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / "cache")}

    def answer():
        done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, env=environment)
        return done.stdout.strip()

    assert answer() == "1.0"
    for index in (tmp_path / "cache").rglob("*.nbi"):
        index.write_bytes(index.read_bytes()[:40])
    assert answer() == "1.0"


def test_kernels_pickle_by_name():
    import pickle

    assert pickle.loads(pickle.dumps(total)) is total
    assert isinstance(total, Kernel)


def test_no_two_classes_of_parameters_share_a_name():
    """numba's fast dispatch tells NamedTuples apart by name alone: two of one name slow every call.

    Those of live go into no kernel.
    """
    found: dict[str, str] = {}
    for package in ("quantlib", "backtest", "experiments"):
        for path in Path(ROOT, package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.ClassDef) and "NamedTuple" in {getattr(b, "id", "") for b in node.bases}:
                    assert node.name not in found, f"{node.name} is in {path} and in {found[node.name]}"
                    found[node.name] = str(path)
    assert len(found) > 40
