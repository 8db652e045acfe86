"""Yields what a ledger of tried gates says of the gate: false alarms, detection, coverage, the duel. It tries none."""

from collections.abc import Callable, Mapping, Sequence
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
OURS_REST: Final = "Windtunnel, REST alone"
"""What the gate said of the one face that the others ask."""

THRESHOLDS: Final = (0.01, 0.02, 0.05)
"""Those at which the others are judged: the tolerances of our own gates, and what the field commonly sets."""

UNCLEAR: Final = 3
COMPARED: Final = {0, 1, UNCLEAR}
"""Exit codes of gates that could compare."""

SLOW: Final = tuple(kind for kind in SLOW_KINDS if not kind.endswith(REFERENCE))
Work = tuple[str, str, str, int, tuple[tuple[str, int], ...]]

EIGHT_IN_TEN: Final = 0.8416
"""The normal quantile of 0.8."""


def gate_power(lines: Sequence[LedgerLine]) -> GatePower:
    """What the lines of a ledger, at least one, say together."""
    tries = [line.tried for line in lines]
    same = [one for one in tries if one.is_unchanged]
    truths = _truths(lines)
    own = {kind: [line for line in lines if line.tried.kind == kind and line.tried.code in COMPARED] for kind in SLOW}
    doses = tuple(_dose(kind, tried, truths=truths) for kind, tried in own.items() if tried)
    half = [(log(high) - log(low)) / 2 for one in same if one.operation != "all" for _, _, low, high, _ in one.effects]
    logs = [log(ratio) for one in same if one.operation != "all" for _, ratio, *_ in one.effects]
    between = float(np.std(logs, ddof=1)) if len(logs) > 2 else None
    covered = [low <= 1 <= high for one in same for _, _, low, high, _ in one.effects]
    for tried in own.values():
        covered += _covered(tried, truths=truths)
    return GatePower(
        first=min(line.measured for line in lines), last=max(line.measured for line in lines),
        machines=tuple(dict.fromkeys(line.machine for line in lines)),
        commits=tuple(dict.fromkeys(line.commit for line in lines)),
        datasets=tuple(dict.fromkeys(f"{line.dataset}, seed {line.seed}" for line in lines)), tries=len(lines),
        alarms=tuple(_alarms(own) for own in _groups(same)),
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


def _work(line: LedgerLine) -> Work:
    """What two tries must have in common, so that one's ratio is the other's truth. The commit has no part in it."""
    one = line.tried
    return (one.kind.removesuffix(REFERENCE), line.machine, line.dataset, line.seed, one.turns)


def _truths(lines: Sequence[LedgerLine]) -> dict[Work, Try]:
    """The references by what was planted, and where."""
    return {_work(line): line.tried for line in lines if line.tried.is_reference and line.tried.effects}


def _groups(same: Sequence[Try]) -> list[list[Try]]:
    """Tries that were asked alike, whole gates first."""
    keys = sorted({(one.kind, one.tolerance, one.budget) for one in same}, reverse=True)
    return [[one for one in same if (one.kind, one.tolerance, one.budget) == key] for key in keys]


def _alarms(own: Sequence[Try]) -> Alarms:
    codes = [one.code for one in own]
    return Alarms(
        what={WHOLE: "all operations", UNCHANGED: "one operation"}[own[0].kind], tolerance=own[0].tolerance,
        budget=own[0].budget, gates=len(own),
        alarms=codes.count(1), passed=codes.count(0), unclear=codes.count(UNCLEAR),
        failed=sum(code not in COMPARED for code in codes),
        faster=sum(any(verdict.startswith("faster") for *_, verdict in one.effects) for one in own),
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


def _dose(kind: str, lines: Sequence[LedgerLine], *, truths: Mapping[Work, Try]) -> Dose:
    tries, covered = [line.tried for line in lines], _covered(lines, truths=truths)
    known = [truths[work] for work in dict.fromkeys(map(_work, lines)) if work in truths]
    return Dose(
        kind=kind, tolerance=tries[0].tolerance, found=proportion([one.is_right for one in tries]),
        faster=sum(verdict.startswith("faster") for one in tries for *_, verdict in one.effects),
        truth=tuple(
            (face, _interval(ratio, low, high, truth)) for truth in known for face, ratio, low, high, _ in truth.effects
        ),
        covered=proportion(covered) if covered else None,
        ratios=tuple((face, ratio) for one in tries for face, ratio, *_ in one.effects),
        longest=max(one.seconds for one in tries),
    )  # fmt: skip


def _interval(ratio: float, low: float, high: float, truth: Try) -> Interval:
    return Interval(estimate=ratio, low=low, high=high, blocks=truth.blocks)


def _covered(lines: Sequence[LedgerLine], *, truths: Mapping[Work, Try]) -> list[bool]:
    """Of each comparison of time that has a truth, whether its interval holds what that separate long run saw."""
    found = []
    for line in lines:
        truth = truths.get(_work(line))
        ratios = {face: ratio for face, ratio, *_ in truth.effects} if truth else {}
        found += [low <= ratios[face] <= high for face, _, low, high, _ in line.tried.effects if face in ratios]
    return found


def _off_the_line(truths: Mapping[Work, Try]) -> float | None:
    """The doses' truths against turns of planted work: the largest distance from the best line through 1.

    Each machine, dataset and face has a line of its own, since a turn takes another share of a request there.
    """
    points: dict[tuple[str, str, int, str], list[tuple[float, float]]] = {}
    for (kind, machine, dataset, seed, turned), truth in truths.items():
        turns = dict(turned)
        for face, ratio, *_ in truth.effects:
            if kind in DOSES and face in turns:
                points.setdefault((machine, dataset, seed, face), []).append((turns[face], ratio - 1))
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
    said: dict[str, Callable[[Try], bool]] = {OURS: lambda one: one.is_alarm, OURS_REST: _is_slower_by_rest}
    found = [
        Duellist(
            name=name, threshold=tolerance,
            rates=tuple(
                Rate(kind=kind, alarms=proportion([is_alarm(one) for one in own]))
                for kind in kinds if (own := [one for one in met if (one.kind, one.tolerance) == (kind, tolerance)])
            ),
        )
        for name, is_alarm in said.items() for tolerance in sorted({one.tolerance for one in met})
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


def _is_slower_by_rest(one: Try) -> bool:
    return any(face == "rest" and verdict.startswith("slower") for face, *_, verdict in one.effects)
