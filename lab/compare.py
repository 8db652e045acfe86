"""Yields two runs against each other, from their findings alone. It measures nothing, and judges no run by itself.

The runs are independent: nothing pairs their requests, so whatever the machine did between them is in every ratio of
their times. Effects were paired within each run, and are compared as the ratios that they are.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from lab import effect as statistics
from lab.compare_findings import CellPair, ComparedRun, Comparison, Difference, EffectPair, FloorPair
from lab.compare_numbers import Numbers, compared
from lab.compare_words import answer
from lab.comparisons import ratio
from lab.effect import Estimate
from lab.errors import LabError
from lab.findings import Cell, Effect, Evidence, Findings
from lab.results import Manifest
from lab.verdict import judge

MACHINE: Final = ("processor", "cores", "memory", "system")
"""What makes another machine of it."""

KINDS: Final = ("server", "part", "face", "conditional", "whole")
"""The effects that are compared: interactions and single settings are parts of these."""


def compare(
    before: Findings, after: Findings, *, manifests: tuple[Manifest, Manifest], folders: tuple[str, str],
    although: bool, beside: tuple[Numbers, Numbers] = ({}, {}),
) -> Comparison:  # fmt: skip
    """What `after` is to `before`, with the numbers `beside` their cells.

    Raises LabError where they share neither a cell nor a number, or are unlike and `although` is false.
    """
    differences = tuple(_differences(before, after))
    unlike = [each for each in differences if each.makes_unlike]
    if unlike and not although:
        told = "; ".join(f"{each.name} {each.before or 'none'}, then {each.after or 'none'}" for each in unlike)
        raise LabError(f"the runs are unlike: {told}", hint="to compare them all the same, add --although")
    own, others = ({_key(cell): cell for cell in found.cells} for found in (before, after))
    common = [key for key in own if key in others]
    if not common and not beside[0].keys() & beside[1].keys():
        raise LabError(
            "the runs have no cell in common, and no number of a load, of mails or of a study",
            hint="name two runs of one experiment",
        )
    found = Comparison(
        before=_run(before, manifest=manifests[0], folder=folders[0]),
        after=_run(after, manifest=manifests[1], folder=folders[1]),
        answer=(), differences=differences, floors=tuple(_floors(before, after)),
        cells=tuple(_cells([(own[key], others[key]) for key in common])), effects=tuple(_effects(before, after)),
        alone_before=len(own) - len(common) + len(beside[0].keys() - beside[1].keys()),
        alone_after=len(others) - len(common) + len(beside[1].keys() - beside[0].keys()), numbers=compared(*beside),
    )  # fmt: skip
    doubts = [_doubt(each, name=name) for name, each in (("first", before), ("second", after)) if not each.complete]
    return replace(found, answer=(*answer(found), *doubts))


def _doubt(found: Findings, *, name: str) -> str:
    """What a reader must know of a run that did not come to its end, or lost a part."""
    return " ".join((f"The {name} run, {found.run}, is not whole: it has what it has.", *found.notes))


def _key(cell: Cell) -> tuple[object, ...]:
    return cell.operation, cell.face, cell.server, frozenset(cell.variant)


def _run(found: Findings, *, manifest: Manifest, folder: str) -> ComparedRun:
    return ComparedRun(
        experiment=found.experiment, run=found.run, started=manifest.started, folder=folder,
        commit=dict(found.environment).get("commit", "unknown"),
    )  # fmt: skip


def _differences(before: Findings, after: Findings) -> Iterator[Difference]:
    if before.experiment != after.experiment:
        yield Difference(name="experiment", before=before.experiment, after=after.experiment)
    parts: Sequence[tuple[str, Callable[[Findings], tuple[tuple[str, str], ...]]]] = (
        ("dataset ", lambda found: found.dataset), ("", lambda found: found.environment),
        ("", lambda found: found.settings), ("held ", lambda found: found.held),
    )  # fmt: skip
    for prefix, part in parts:
        own, others = dict(part(before)), dict(part(after))
        for name in dict.fromkeys((*own, *others)):
            first, second = own.get(name, ""), others.get(name, "")
            if first != second:
                unlike = prefix == "dataset " or name in MACHINE
                yield Difference(name=f"{prefix}{name}", before=first, after=second, makes_unlike=unlike)


def _floors(before: Findings, after: Findings) -> Iterator[FloorPair]:
    own, others = _floor(before), _floor(after)
    for (operation, face), seconds in own.items():
        if (operation, face) in others:
            yield FloorPair(operation=operation, face=face, before=seconds, after=others[operation, face])


def _floor(found: Findings) -> dict[tuple[str, str], float]:
    """The floor's median by operation and face, from any cell that was held against it."""
    floors: dict[tuple[str, str], float] = {}
    for cell in found.cells:
        median = dict(cell.quantiles).get(0.5)
        if median and cell.floor_ratio:
            floors.setdefault((cell.operation, cell.face), median / cell.floor_ratio)
    return floors


def _cells(pairs: Sequence[tuple[Cell, Cell]]) -> Iterator[CellPair]:
    """One pair a cell; the bounds of all of them hold at once."""
    timed = sum(all(len(cell.block_means) > 1 for cell in pair) for pair in pairs)
    for before, after in pairs:
        told = CellPair(operation=after.operation, face=after.face, server=after.server, variant=after.variant,
                        before=before.service, after=after.service)  # fmt: skip
        if before.cold and after.cold and _counted(before.cold) != _counted(after.cold):
            told = replace(told, evidence_before=before.cold, evidence_after=after.cold)
        found = _against(after.block_means, before.block_means, of=timed)
        if found is None:
            yield replace(told, reason=_why(before, after))
        else:
            yield replace(told, ratio=ratio(found), p=found.p, verdict=judge(found).word)


def _effects(before: Findings, after: Findings) -> Iterator[EffectPair]:
    """One pair an effect of a kind that is compared; the bounds of all of them hold at once."""
    own, others = (
        {(e.kind, e.operation, e.face, e.subject, e.given): e for e in found.effects if e.kind in KINDS}
        for found in (before, after)
    )
    pairs = [(effect, others[key]) for key, effect in own.items() if key in others]
    of = sum(all(len(effect.dots) > 1 for effect in pair) for pair in pairs)
    for first, second in pairs:
        found = _against(second.dots, first.dots, of=of)
        if found is not None:
            yield _effect(first, second, found=found)


def _effect(before: Effect, after: Effect, *, found: Estimate) -> EffectPair:
    # A ratio of ratios is neither faster nor slower.
    word = {"faster": "changed", "slower": "changed"}.get(judged := judge(found).word, judged)
    return EffectPair(
        operation=after.operation, face=after.face, kind=after.kind, subject=after.subject, given=after.given,
        before=before.typical, after=after.typical, ratio=ratio(found), p=found.p, verdict=word,
    )  # fmt: skip


def _against(after: Sequence[float], before: Sequence[float], *, of: int) -> Estimate | None:
    """The ratio of two runs' blocks, on logs; None where one has fewer than two."""
    logs = [np.log([value for value in values if value > 0]) for values in (after, before)]
    return statistics.welch(logs[0], logs[1], simultaneous=max(of, 1))


def _why(before: Cell, after: Cell) -> str:
    said = [
        f"in the {name} run {cell.reason or 'fewer than two blocks have it'}"
        for name, cell in (("first", before), ("second", after))
        if len(cell.block_means) < 2
    ]
    return "; ".join(said) or "no times to compare"


def _counted(evidence: Evidence) -> tuple[object, ...]:
    """What a request did as far as it is the same whenever it is counted: no times, and no split of hits and reads."""
    statements = tuple(
        (
            statement.fingerprint, statement.database, statement.count, statement.rows,
            statement.plan and (statement.plan.indexes, statement.plan.sequential_scans),
        )
        for statement in evidence.statements
    )  # fmt: skip
    return statements, evidence.body_bytes, evidence.cache_hits, evidence.cache_misses, evidence.trips
