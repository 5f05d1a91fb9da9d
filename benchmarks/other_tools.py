"""Find out what other dump tools change; print docs/other-tools.md.

``python -m benchmarks.other_tools > docs/other-tools.md``. Each case of the exactness matrix is
laid on one instance, dumped and loaded into another one by each tool, and both instances are
read by the matrix's own SQL, which no tool has a part in.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from benchmarks.dump_tools import TOOLS, Passage, Tool
from tests.exactness.case import Case
from tests.exactness.matrix import cases_on
from tests.exactness.quirks import ask
from tests.exactness.reading import read_state
from tests.exactness.round_trip import Sighting, clear, lay, look
from tests.integration.operations_support import query, run_all
from tests.support.fleet import Fleet
from tests.support.servers import Flavour, Instance


class Verdict(StrEnum):
    """Say what became of a case."""

    EXACT = "exact"
    SILENT = "changed silently"
    TOLD = "told"
    FAILED = "failed"


@dataclass(frozen=True)
class Finding:
    """Hold what one tool made of one case, and what was different or why it failed."""

    verdict: Verdict
    what: str = ""


_SHOWN_MESSAGE = 100
_SHOW = "SHOW CREATE "
_ROWS = re.compile(r"\b(?:rows|table missing)\b")
Findings = dict[str, dict[str, Finding]]
"""By case, then by tool."""


def main() -> None:
    """Run every tool on every case and print the page."""
    options = _parse()
    tools = [tool for tool in TOOLS if tool.name.startswith(options.tool)]
    today = datetime.now(UTC).date()
    print(_HEAD.format(today=today, machine=platform.machine(), cpus=os.cpu_count()))
    print(_describe_tools(tools))
    for flavour in dict.fromkeys(tool.flavour for tool in tools):
        used = [tool for tool in tools if tool.flavour is flavour]
        cases = [case for case in cases_on(flavour) if options.case in case.id]
        version, findings = _examine(flavour, cases, used)
        tried = [case for case in cases if case.id in findings]
        print(describe_findings(version, tried, used, findings))


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.other_tools")
    parser.add_argument("--tool", default="", help="only tools whose name begins so")
    parser.add_argument("--case", default="", help="only cases with this in their name")
    return parser.parse_args()


def _examine(
    flavour: Flavour, cases: Sequence[Case], tools: Sequence[Tool]
) -> tuple[str, Findings]:
    with (
        tempfile.TemporaryDirectory(prefix="shardvault-tools-") as folder,
        Fleet([flavour, flavour], folder=Path(folder) / "pair") as pair,
    ):
        source, target = pair.instances
        for instance in (source, target):
            run_all(instance, "SET GLOBAL event_scheduler = OFF")
        ((version,),) = query(source, "SELECT VERSION()")
        quirks = ask(source)
        written = [case.on_server(quirks) for case in cases]
        cases = [one for one in written if not one.accounts and not one.find_lack(quirks)]
        findings: Findings = {}
        for number, case in enumerate(cases, 1):
            print(f"{flavour.value} {number}/{len(cases)} {case.id}", file=sys.stderr)
            findings[case.id] = _try_tools(case, tools, source, target, Path(folder))
        return version, findings


def _try_tools(
    case: Case, tools: Sequence[Tool], source: Instance, target: Instance, folder: Path
) -> dict[str, Finding]:
    """Load with every tool before the source is looked at: the case's probes may change it."""
    clear(source)
    if unlaid := lay(source, case):
        return {tool.name: Finding(Verdict.FAILED, f"not applicable: {unlaid}") for tool in tools}
    passages: dict[str, Passage] = {}
    loaded: dict[str, Sighting] = {}
    for tool in tools:
        clear(target)
        passages[tool.name] = tool.carry(source, target, case.schemas, folder / "dump")
        if not passages[tool.name].error:
            loaded[tool.name] = _look(target, case)
    before = _look(source, case)
    return {
        name: judge(passage, before, loaded.get(name, Sighting()))
        for name, passage in passages.items()
    }


def _look(instance: Instance, case: Case) -> Sighting:
    return look(instance, [case], read_state)[0][case.id]


def judge(passage: Passage, before: Sighting, after: Sighting) -> Finding:
    if passage.error:
        return Finding(Verdict.FAILED, passage.error)
    if not (different := list(dict.fromkeys(list_changes(before, after)))):
        return Finding(Verdict.EXACT)
    verdict = Verdict.TOLD if passage.messages else Verdict.SILENT
    return Finding(verdict, ", ".join(different))


def list_changes(before: Sighting, after: Sighting) -> Iterator[str]:
    """Name the kinds of things that differ, the most serious first.

    A definition that is only written in other words, while the catalogue and the rows are
    the same, is no change.
    """
    keys = [
        key
        for key in sorted(before.state.keys() | after.state.keys())
        if before.state.get(key) != after.state.get(key)
    ]
    shown = [key for key in keys if key[2].startswith(_SHOW)]
    places = {key[:2] for key in keys if key not in shown}
    for key in shown:
        if key not in after.state:
            yield f"{key[2].removeprefix(_SHOW).lower()} missing"
    if any(key[2] == "values" and key in after.state for key in keys):
        yield "rows"
    for key in shown:
        if key in after.state and key[:2] in places:
            yield f"definition of {key[2].removeprefix(_SHOW).lower()}"
    if before.probes != after.probes:
        yield "answers"
    if places and not shown and all(key[2] != "values" for key in keys):
        yield f"catalogue ({', '.join(sorted({key[2] for key in keys}))})"


_HEAD = """\
# What other tools change

<!-- Made by a run of the programs:
     python -m benchmarks.other_tools > docs/other-tools.md -->

What the dump tools of Debian and of MySQL made of the cases of `tests/exactness`, {today},
{machine}, {cpus} cores. Only what this very run has seen is here.

Each case is laid in a schema of its own on one private instance, dumped by the tool, and loaded
into a second instance of the same version. Both are read by SQL that neither the tool nor
shardvault has a part in: every value, every definition, every property that the catalogue tells,
and queries of the case's own. The instances have the settings that they come with, but for utf8mb4
as character set and the event scheduler, which is off. Cases about accounts are left out: the tools
are asked for schemas.

- **exact**: all that was read is equal; a definition may be written in other words.
- **changed silently**: it is not, although dump and load ended with exit code 0 and wrote nothing
  to standard error. The last column counts those in which values or rows are others, or missing.
- **told**: it is not equal; exit code 0, but something was written to standard error.
- **failed**: the dump or the load ended with another exit code, or did not end, twice.

*answers* are those to the case's own queries, as for the history of a versioned table, or the next
value of a sequence. Read fairly: the cases are rare on purpose; the options are those below, and
what a tool misses only without them, such as routines and events, it was not asked to keep. Cases
marked \\* shardvault itself refuses, or brings back in other words of the catalogue: see
[known differences](known-differences.md). Its own figures for all cases are printed by `make test`.
"""


def _describe_tools(tools: Iterable[Tool]) -> str:
    lines = ["## Commands\n", "| tool | version | dump | load |", "|---|---|---|---|"]
    for tool in tools:
        dump, load = (" ".join(words).replace("|", "\\|") for words in (tool.dump, tool.load))
        lines.append(f"| {tool.name} | {tool.version} | `{dump}` | `{load}` |")
    return "\n".join(lines) + "\n"


def describe_findings(
    version: str, cases: Sequence[Case], tools: Sequence[Tool], findings: Findings
) -> str:
    names = [tool.name for tool in tools]
    return "\n".join(
        [
            f"## On {version}\n",
            f"| tool | cases | {' | '.join(Verdict)} | of silent ones, rows |",
            "|---|---|---|" + "---|" * len(Verdict),
            *(_count(name, [found[name] for found in findings.values()]) for name in names),
            "\nIn **bold** what changed silently.\n",
            f"| case | {' | '.join(names)} |",
            "|---|" + "---|" * len(names),
            *(
                _describe_case(case, [findings[case.id][name] for name in names])
                for case in cases
                if any(one.verdict is not Verdict.EXACT for one in findings[case.id].values())
            ),
            "",
        ]
    )


def _count(name: str, found: Sequence[Finding]) -> str:
    counts = Counter(one.verdict for one in found)
    figures = " | ".join(str(counts[verdict]) for verdict in Verdict)
    rows = sum(one.verdict is Verdict.SILENT and bool(_ROWS.search(one.what)) for one in found)
    return f"| {name} | {len(found)} | {figures} | {rows} |"


def _describe_case(case: Case, found: Iterable[Finding]) -> str:
    trap, _, name = case.id.partition("_")
    mark = " \\*" if case.renderings or case.refused else ""
    cells = " | ".join(map(describe_finding, found))
    return f"| {trap.upper()} {name.replace('_', ' ')}{mark} | {cells} |"


def describe_finding(finding: Finding) -> str:
    match finding.verdict:
        case Verdict.EXACT:
            return "exact"
        case Verdict.SILENT:
            return f"**{finding.what}**"
        case Verdict.TOLD:
            return f"told: {finding.what}"
    message = re.sub(r"[`|\s]+", " ", finding.what)[:_SHOWN_MESSAGE]
    return f"failed: `{message.strip()}`"


if __name__ == "__main__":
    main()
