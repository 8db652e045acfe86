"""Yields what a ledger of tried gates says of the gate: false alarms, detection, coverage, the duel. It tries none."""

from collections.abc import Sequence
from math import exp, log
from statistics import median
from typing import Final

import numpy as np
from scipy import stats

from lab.findings import Interval
from lab.gate_tries import DOSES, REFERENCE, SLOW_KINDS, UNCHANGED, WHOLE, LedgerLine, Try, read_ledger
from lab.power_findings import Alarms, Dose, Duellist, GatePower, Mistake, Proportion, Rate
from lab.server import TREE

LEDGER: Final = TREE / "reports" / "published" / "calibration.jsonl"
"""The tries that are kept with the code; they go on growing."""

OURS: Final = "Windtunnel"
THRESHOLDS: Final = (0.01, 0.02, 0.05)
"""Those at which the others are judged: the tolerances of our own gates, and what the field commonly sets."""

EIGHT_IN_TEN: Final = 0.8416
"""The normal quantile of 0.8."""


def gate_power(lines: Sequence[LedgerLine]) -> GatePower:
    """What the lines of a ledger, at least one, say together."""
    tries = [line.tried for line in lines]
    same = [one for one in tries if one.is_unchanged]
    truths = {one.kind.removesuffix(REFERENCE): one for one in tries if one.is_reference}
    doses = tuple(_dose(kind, own, truth=truths.get(kind)) for kind in SLOW_KINDS if (own := _of(tries, kind)))
    half = [(log(high) - log(low)) / 2 for one in same if one.operation != "all" for _, _, low, high, _ in one.effects]
    logs = [log(ratio) for one in same if one.operation != "all" for _, ratio, *_ in one.effects]
    between = float(np.std(logs, ddof=1)) if len(logs) > 2 else None
    covered = [low <= 1 <= high for one in same for _, _, low, high, _ in one.effects]
    for kind, truth in truths.items():
        covered += _covered(_of(tries, kind), truth=truth)
    return GatePower(
        first=min(line.measured for line in lines), last=max(line.measured for line in lines),
        machines=tuple(dict.fromkeys(line.machine for line in lines)),
        commits=tuple(dict.fromkeys(line.commit for line in lines)),
        datasets=tuple(dict.fromkeys(f"{line.dataset}, seed {line.seed}" for line in lines)), tries=len(lines),
        alarms=tuple(_alarms(what, tolerance=tolerance, tries=same) for what, tolerance in _kinds(same)),
        bound=alarms_bound(sum(one.code == 1 for one in same), len(same)), mistakes=_mistakes(tries), doses=doses,
        covered=proportion(covered) if covered else None, between=between,
        half=median(half) if half else None,
        least=tuple(
            (tolerance, exp(log(1 + tolerance) + median(half) + EIGHT_IN_TEN * between) - 1)
            for tolerance in sorted({one.tolerance for one in same})
        ) if between and half else (),
        line=_off_the_line(truths), duel=_duel(tries),
    )  # fmt: skip


def published() -> GatePower | None:
    """What the tree's own ledger says; None without one."""
    lines = read_ledger(LEDGER) if LEDGER.exists() else ()
    return gate_power(lines) if lines else None


def proportion(hits: Sequence[bool]) -> Proportion:
    """How many of these hold, with the interval of Clopper and Pearson."""
    count, of = sum(hits), len(hits)
    low = float(stats.beta.ppf(0.025, count, of - count + 1)) if count else 0.0
    high = float(stats.beta.ppf(0.975, count + 1, of - count)) if count < of else 1.0
    return Proportion(count=count, of=of, low=low, high=high)


def alarms_bound(alarms: int, runs: int) -> float:
    """The upper end of the one-sided 95 % Clopper-Pearson interval of the rate of false alarms."""
    return float(stats.beta.ppf(0.95, alarms + 1, runs - alarms)) if runs > alarms else 1.0


def _of(tries: Sequence[Try], kind: str) -> list[Try]:
    return [one for one in tries if one.kind == kind and one.code in {0, 1, 3}]


def _kinds(same: Sequence[Try]) -> list[tuple[str, float]]:
    return sorted({(one.kind, one.tolerance) for one in same}, reverse=True)


def _alarms(what: str, *, tolerance: float, tries: Sequence[Try]) -> Alarms:
    own = [one for one in tries if (one.kind, one.tolerance) == (what, tolerance)]
    codes = [one.code for one in own]
    return Alarms(
        what={WHOLE: "all operations", UNCHANGED: "one operation"}[what], tolerance=tolerance, gates=len(own),
        alarms=codes.count(1), passed=codes.count(0), unclear=len(codes) - codes.count(1) - codes.count(0),
        bound=alarms_bound(codes.count(1), len(own)), longest=max(one.seconds for one in own),
    )  # fmt: skip


def _mistakes(tries: Sequence[Try]) -> tuple[Mistake, ...]:
    planted = [one for one in tries if not one.is_unchanged and not one.is_reference and one.kind not in SLOW_KINDS]
    groups: dict[tuple[str, str], list[Try]] = {}
    for one in planted:
        groups.setdefault((one.kind, one.wanted), []).append(one)
    return tuple(
        Mistake(
            kind=kind, layer=layer, found=sum(one.is_right for one in own), of=len(own),
            longest=max(one.seconds for one in own),
        )
        for (kind, layer), own in groups.items()
    )  # fmt: skip


def _dose(kind: str, tries: Sequence[Try], *, truth: Try | None) -> Dose:
    covered = _covered(tries, truth=truth) if truth else []
    return Dose(
        kind=kind, tolerance=tries[0].tolerance, found=proportion([one.code == 1 for one in tries]),
        faster=sum(verdict.startswith("faster") for one in tries for *_, verdict in one.effects),
        truth=tuple((face, _interval(ratio, low, high, truth)) for face, ratio, low, high, _ in truth.effects)
        if truth else (),
        covered=proportion(covered) if covered else None,
        ratios=tuple((face, ratio) for one in tries for face, ratio, *_ in one.effects),
        longest=max(one.seconds for one in tries),
    )  # fmt: skip


def _interval(ratio: float, low: float, high: float, truth: Try) -> Interval:
    return Interval(estimate=ratio, low=low, high=high, blocks=truth.blocks)


def _covered(tries: Sequence[Try], *, truth: Try) -> list[bool]:
    """Of each comparison of time, whether its interval holds what a separate long run saw."""
    ratios = {face: ratio for face, ratio, *_ in truth.effects}
    return [low <= ratios[face] <= high for one in tries for face, _, low, high, _ in one.effects if face in ratios]


def _off_the_line(truths: dict[str, Try]) -> float | None:
    """The doses' truths against turns of planted work, by face: the largest distance from the best line through 1."""
    points: dict[str, list[tuple[float, float]]] = {}
    for kind, truth in truths.items():
        turns = dict(truth.turns)
        for face, ratio, *_ in truth.effects:
            if kind in DOSES and face in turns:
                points.setdefault(face, []).append((turns[face], ratio - 1))
    off = []
    for own in points.values():
        if len(own) > 2:
            x, y = np.array(own, dtype=float).T
            off.append(float(np.abs(y - x * (x @ y) / (x @ x)).max()))
    return max(off) if off else None


def _duel(tries: Sequence[Try]) -> tuple[Duellist, ...]:
    met = [one for one in tries if one.rivals]
    kinds = [kind for kind in (UNCHANGED, *SLOW_KINDS) if any(one.kind == kind for one in met)]
    if not met:
        return ()
    found = [
        Duellist(
            name=OURS, threshold=tolerance,
            rates=tuple(
                Rate(kind=kind, alarms=proportion([one.code == 1 for one in own]))
                for kind in kinds if (own := [one for one in met if (one.kind, one.tolerance) == (kind, tolerance)])
            ),
        )
        for tolerance in sorted({one.tolerance for one in met})
    ]  # fmt: skip
    for name in dict.fromkeys(name for one in met for name, _ in one.rivals):
        for threshold in THRESHOLDS:
            rates = tuple(
                Rate(
                    kind=kind,
                    alarms=proportion([dict(one.rivals)[name] > 1 + threshold for one in met if one.kind == kind]),
                )
                for kind in kinds
            )
            found.append(Duellist(name=name, threshold=threshold, rates=rates))
    return tuple(found)
