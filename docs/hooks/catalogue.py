"""The catalogue's pages, made when the site is built: for each feature what its docstring says, what its value says,
what it costs, and how it looks.

mkdocs calls `on_files`.  Costs come from docs/hooks/costs.json, which `make costs` measures and writes.
"""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from textwrap import dedent
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1])]  # mkdocs loads hooks by their path

from drawing import picture  # noqa: E402

from quantlib import catalog  # noqa: E402
from quantlib.core import Feature, fingerprint, inputs_of  # noqa: E402
from quantlib.features.rows import FOREVER  # noqa: E402
from quantlib.plots.theme import VARIABLES  # noqa: E402

COSTS = HERE / "costs.json"
COLOURS = "<style>:root {" + " ".join(f"--{name}: {colour};" for colour, name in VARIABLES.items()) + "}</style>"
SECTIONS = ("Args", "Returns", "Raises", "Source", "Differs")


def on_files(files: Any, config: Any) -> Any:
    """Add a page for each family, and the page of all."""
    from mkdocs.structure.files import File

    costs = json.loads(COSTS.read_text()) if COSTS.exists() else {"machine": "", "features": {}}
    files.append(File.generated(config, "catalogue/index.md", content=overview(costs)))
    for family in catalog.FAMILIES:
        files.append(File.generated(config, f"catalogue/{family}.md", content=page(family, costs)))
    return files


def overview(costs: Mapping[str, Any]) -> str:
    """All features in one table."""
    lines = [
        "# Catalogue",
        "",
        f"{len(catalog.CATALOG)} features and signals, every one held to every law. "
        "`catalog.feature(name, …)` makes one; `quantlib.features` has the factories.",
        "",
    ]
    for family, entries in catalog.FAMILIES.items():
        lines += [f"## [{family}]({family}.md)", "", "| feature | what it is | clock | ns a row |", "|---|---|---|---|"]
        for name, entry in entries.items():
            cost = costs["features"].get(name)
            spent = f"{cost['ns']:.3g}" if cost else ""
            what = headline(entry.factory).rstrip(".")
            lines.append(f"| [`{name}`]({family}.md#{name}) | {what} | {entry.factory().clock} | {spent} |")
        lines.append("")
    lines += ["Cost: seconds a row of one long call with default parameters, divided by 1e-9, on one core.", ""]
    return "\n".join([*lines, measured(costs)])


def page(family: str, costs: Mapping[str, Any]) -> str:
    """A family's features, one after the other."""
    parts = [
        f"# {family.capitalize()}",
        "",
        COLOURS,
        "",
        inspect.getdoc(sys.modules[f"quantlib.catalog.{family}"]) or "",
        "",
    ]
    for name, entry in catalog.FAMILIES[family].items():
        parts += described(name, entry.factory, costs["features"].get(name), picture(name, family))
    return "\n".join([*parts, measured(costs)])


def measured(costs: Mapping[str, Any]) -> str:
    """Where the costs were measured, if they were."""
    return f"*Costs measured by `make costs` on {costs['machine']}.*\n" if costs["machine"] else ""


def headline(factory: Any) -> str:
    """The first line of a docstring."""
    return (inspect.getdoc(factory) or "").splitlines()[0]


def described(name: str, factory: Any, cost: Mapping[str, Any] | None, drawn: str) -> Iterator[str]:
    """One feature: signature, docstring, facts, picture."""
    told = sections(inspect.getdoc(factory) or "")
    feature = factory()
    yield from [f"## {name}", "", f"`{signature(name, factory)}`", ""]
    yield from [told[""], ""]
    yield from [f"<figure>{drawn}</figure>", ""]
    yield from ["| | |", "|---|---|", *(f"| {k} | {v} |" for k, v in facts(feature, cost)), ""]
    for title in SECTIONS:
        if title in told:
            block = told[title]
            if title in ("Args", "Raises"):
                yield from [f"**{title}**", "", *items(block), ""]
            else:
                yield from [f"**{title}:** {' '.join(block.split())}", ""]


def signature(name: str, factory: Any) -> str:
    """`name(n=20, *, price="close")` without annotations."""
    shown = [p.replace(annotation=inspect.Parameter.empty) for p in inspect.signature(factory).parameters.values()]
    return f"{name}{inspect.Signature(shown)}".replace("'", '"')


def facts(feature: Feature, cost: Mapping[str, Any] | None) -> Iterator[tuple[str, str]]:
    """What the value says of itself, with default parameters."""
    yield "clock", feature.clock + (", across symbols" if feature.scope == "cross" else "")
    yield "reads", ", ".join(f"`{n}`" for n in inputs_of([feature])) if len(feature.inputs) < 9 else "the book's levels"
    yield "writes", ", ".join(f"`{n}`" for n in feature.outputs)
    yield "warm-up", f"{feature.warmup} rows"
    fading = " (to 1e-9)" if feature.recursive else ""
    yield "horizon", "forgets nothing" if feature.horizon >= FOREVER else f"{feature.horizon} rows{fading}"
    yield "memory", f"{feature.blank.dtype.itemsize:,} bytes a symbol"
    if cost:
        beside = f"; TA-Lib {cost['talib']:.3g} ns" if cost.get("talib") else ""
        yield "cost", f"{cost['ns']:.3g} ns a row{beside}"
    yield "version", f"`{fingerprint([feature])[:12]}`"


def sections(doc: str) -> dict[str, str]:
    """A docstring cut at its headings; what comes before them, formula included, is under ''.

    A paragraph with a formula (a line with = or a break that matters) is kept as written.
    """
    found: dict[str, list[str]] = {"": []}
    now = ""
    for line in doc.splitlines():
        head, colon, rest = line.partition(":")
        if colon and head in SECTIONS:
            now = head
            found[now] = [rest.strip()] if rest.strip() else []
        else:
            found[now].append(line)
    told = {title: dedent("\n".join(lines)).strip() for title, lines in found.items()}
    told[""] = "\n\n".join(paragraph(p) for p in told[""].split("\n\n"))
    return told


def paragraph(text: str) -> str:
    """A formula as it is written, anything else as text."""
    lines = text.strip("\n").splitlines()
    formula = any(" = " in line for line in lines[:1]) and not lines[0].rstrip().endswith(".")
    return "```text\n" + "\n".join(lines) + "\n```" if formula or text.startswith("    ") else " ".join(lines)


def items(block: str) -> Iterator[str]:
    """`name: text` entries as a list; deeper lines belong to the entry above."""
    entry = ""
    for line in block.splitlines():
        if line.startswith(" ") or not entry:
            entry = f"{entry} {line.strip()}".strip()
        else:
            yield item(entry)
            entry = line.strip()
    if entry:
        yield item(entry)


def item(entry: str) -> str:
    head, colon, rest = entry.partition(": ")
    return f"- `{head}`: {rest}" if colon else f"- {entry}"
