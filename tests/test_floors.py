"""Who may import whom, and what the pure rooms may touch: read from the sources, so that nothing slips in."""

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("quantlib", "backtest", "experiments", "live")
SOURCES = sorted(p for package in PACKAGES for p in (ROOT / package).rglob("*.py"))

# What each house may import of the others.
HOUSES = {
    "quantlib": {"quantlib"},
    "backtest": {"quantlib", "backtest"},
    "experiments": {"quantlib", "backtest", "experiments"},
    "live": {"quantlib", "backtest", "live"},
}
# Inside quantlib a room imports only from lower floors; single files of one floor may know each other.
FLOORS = {
    "jit": 0, "core": 1, "stats": 1, "formats": 1, "schema": 2, "rules": 2, "arrays": 2, "table": 3, "desk": 3,
    "asof": 4, "event_rows": 4, "sampling": 4, "kernels": 4, "tapes": 4, "own": 4, "fused": 4, "lane": 5, "snapshot": 5,
    "learn": 5, "stream": 6, "laws": 6, "features": 7, "rebuild": 7, "synthetic": 7, "signals": 8, "options": 8,
    "strategy": 8, "catalog": 9, "presets": 9, "sets": 10, "plots": 10, "data": 10, "": 11,
}  # fmt: skip
OUTSIDE = {
    "asyncio", "datetime", "http", "logging", "multiprocessing", "os", "pathlib", "random", "secrets", "shutil",
    "signal", "socket", "ssl", "subprocess", "tempfile", "threading", "time", "urllib", "uuid",
}  # fmt: skip
HEAVY = {"numba", "matplotlib", "pandas", "scipy", "arch", "statsmodels"}
STATED = {("quantlib.jit", "os")}  # the folder of compiled code: no result depends on it


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"), str(path))


def imports(path: Path, within: ast.AST | None = None) -> list[tuple[str, int]]:
    """Every module that a file imports, with its line; `from quantlib import catalog` counts as quantlib.catalog."""
    found = []
    for node in ast.walk(within or tree(path)):
        if isinstance(node, ast.Import):
            found += [(alias.name, node.lineno) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: imports are absolute"
            base = str(node.module)
            for alias in node.names:
                inner = f"{base}.{alias.name}"
                found.append((inner if is_module(inner) else base, node.lineno))
    return found


def is_module(name: str) -> bool:
    at = ROOT.joinpath(*name.split("."))
    return at.with_suffix(".py").exists() or (at / "__init__.py").exists()


def type_only(path: Path) -> set[int]:
    """Lines under `if TYPE_CHECKING`."""
    return {
        line.lineno
        for node in ast.walk(tree(path))
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for line in ast.walk(node)
        if hasattr(line, "lineno")
    }


def decorators(function: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    return {ast.unparse(d).split("(")[0] for d in function.decorator_list}


def functions(path: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [n for n in ast.walk(tree(path)) if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef))]


def floor(name: str) -> int:
    parts = name.split(".")
    return FLOORS[parts[1] if len(parts) > 1 else ""]


def test_every_room_of_quantlib_has_a_floor():
    rooms = {name_of(p).split(".")[1] for p in SOURCES if name_of(p).startswith("quantlib.")}
    assert rooms <= set(FLOORS), f"give {sorted(rooms - set(FLOORS))} a floor in tests/test_floors.py"


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_a_house_imports_only_those_it_may(path):
    house = name_of(path).split(".")[0]
    for module, line in imports(path):
        other = module.split(".")[0]
        assert other not in PACKAGES or other in HOUSES[house], f"{name_of(path)}:{line} imports {module}"
        assert other != "tests", f"{name_of(path)}:{line} imports {module}"


@pytest.mark.parametrize("path", [p for p in SOURCES if "quantlib" in p.parts], ids=name_of)
def test_a_floor_of_quantlib_imports_only_lower_floors(path):
    mine = name_of(path)
    for module, line in imports(path):
        if module.split(".")[0] != "quantlib" or line in type_only(path) or mine == "quantlib":
            continue
        same_room = mine.split(".")[:2] == module.split(".")[:2]
        assert same_room or floor(module) < floor(mine) or level(mine, module), f"{mine}:{line} imports {module}"


def level(mine: str, other: str) -> bool:
    """Single files of one floor may know each other so long as no cycle comes of it (the next test)."""
    return floor(mine) == floor(other) and mine.count(".") == other.count(".") == 1


def test_no_module_imports_itself_by_a_detour_and_no_import_inside_a_function_hides_one():
    edges = {
        name_of(p): {m for m, line in imports(p) if m.split(".")[0] in PACKAGES and line not in type_only(p)}
        for p in SOURCES
    }
    for lazy in PACKAGES:  # names there load at first use
        edges[lazy] = set()
    done: set[str] = set()

    def walk(module: str, above: tuple[str, ...]) -> None:
        assert module not in above, " -> ".join([*above[above.index(module) :], module])
        if module not in done:
            for other in sorted(edges.get(module, ())):
                walk(other, (*above, module))
            done.add(module)

    for module in edges:
        walk(module, ())


def test_the_desk_knows_columns_not_signals():
    for path in SOURCES:
        if name_of(path).startswith("quantlib.desk"):
            known = {m for m, _ in imports(path)}
            assert not {m for m in known if m.startswith(("quantlib.signals", "quantlib.features"))}, name_of(path)


@pytest.mark.parametrize("path", [p for p in SOURCES if "quantlib" in p.parts and "data" not in p.parts], ids=name_of)
def test_the_pure_rooms_touch_nothing_outside(path):
    for module, line in imports(path):
        top = module.split(".")[0]
        if top == "datetime" and not reads_the_clock(path):
            continue
        assert top not in OUTSIDE or (name_of(path), top) in STATED, f"{name_of(path)}:{line} imports {module}"
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            assert called not in ("open", "input"), f"{name_of(path)}:{node.lineno} calls {called}"
            seeded = called == "np.random.default_rng" and bool(node.args or node.keywords)
            hidden = called.rpartition(".")[0] == "np.random" and not seeded
            assert not hidden, f"{name_of(path)}:{node.lineno} draws hidden random numbers"


def reads_the_clock(path: Path) -> bool:
    called = {ast.unparse(n.func).split(".")[-1] for n in ast.walk(tree(path)) if isinstance(n, ast.Call)}
    return bool(called & {"now", "today", "utcnow"})


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_heavy_packages_load_where_they_are_used(path):
    top = [n for n in tree(path).body if isinstance(n, (ast.Import, ast.ImportFrom))]
    names = {m.split(".")[0] for n in top for m, _ in imports(path, n)}
    assert not names & HEAVY, f"{name_of(path)} imports {names & HEAVY} at its top"


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_every_function_is_annotated_but_kernels(path):
    kernels = [f for f in functions(path) if decorators(f) & {"kernel", "block", "jit.kernel", "jit.block"}]
    inside = {id(n) for k in kernels for n in ast.walk(k)}
    for f in functions(path):
        if id(f) in inside:
            continue
        given = [*f.args.posonlyargs, *f.args.args, *f.args.kwonlyargs, f.args.vararg, f.args.kwarg]
        bare = [a.arg for a in given if a is not None and a.annotation is None and a.arg not in ("self", "cls")]
        assert f.returns is not None, f"{name_of(path)}:{f.lineno} {f.name} says not what it returns"
        assert not bare, f"{name_of(path)}:{f.lineno} {f.name} says not what {bare} are"


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_packages_neither_print_nor_assert(path):
    for node in ast.walk(tree(path)):
        assert not isinstance(node, ast.Assert), f"{name_of(path)}:{node.lineno} asserts"
        printing = isinstance(node, ast.Call) and ast.unparse(node.func) == "print"
        assert not printing, f"{name_of(path)}:{node.lineno} prints"


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_files_and_functions_fit_the_head(path):
    """About 300 lines a file and 40 a function; what goes far beyond is cut."""
    assert len(path.read_text("utf-8").splitlines()) <= 500, f"{name_of(path)} is too long"
    for f in functions(path):
        body = f.end_lineno - f.body[0].lineno - (docstring_lines(f) - 1)
        assert body <= 60, f"{name_of(path)}:{f.lineno} {f.name} has {body} lines"


def docstring_lines(f: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    first = f.body[0]
    told = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)
    return first.end_lineno - first.lineno + 1 if told else 1


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_no_file_is_named_after_nothing(path):
    assert path.stem not in ("utils", "helpers", "base", "common", "manager", "misc"), name_of(path)


def test_importing_quantlib_loads_nothing_heavy():
    code = "import sys, quantlib; print(*sorted({m.split('.')[0] for m in sys.modules}))"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert not set(loaded.split()) & (HEAVY | {"polars", "numpy"})
