"""Yields effects and waterfalls from blocks of times: what each comparison of a design says. It reads no file."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import exp, log
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lab import effect as statistics
from lab import rare
from lab.contrasts import Contrast, contrasts
from lab.effect import Estimate
from lab.experiment import Arm, Experiment
from lab.findings import UNCONFIRMED, UNDECIDED, Effect, Interval, Step, Waterfall
from lab.summary import BlockTimes, CellTimes
from lab.verdict import FEW, MUST_CATCH, TOLERANCE, Verdict, judge

Array = NDArray[np.float64]
Estimated = tuple[Sequence[Estimate | None], Array]
"""A contrast's numbers, the typical request first, and what that is in each block."""

NEAR_FLOOR: Final = 3.0
"""Times the floor below which a cell is marked: much of what it takes is what any answer takes."""

CONFIRMED: Final = 0.05
"""The one-sided p that the blocks of a confirmation must stay below."""

FEW_SHARE: Final = 0.2
"""The part of what may go wrong that is given to the bounds of the few: being exact, they take less than it."""

NOT_CONFIRMED: Final = "not confirmed by fresh blocks"


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparisons:
    """Compares the cells of one run: its blocks that count, its cells by (operation, arm), and their times.

    `confirming` are blocks that were run afterwards to confirm an alarm; `unusable` are cells that are void;
    `floors` are the bare view's medians in seconds by (operation, face); `in_doubt` is why nothing may be concluded.
    """

    experiment: Experiment
    operations: Sequence[str]
    blocks: Sequence[BlockTimes]
    confirming: Sequence[BlockTimes]
    numbers: Mapping[tuple[str, Arm], int]
    times: Mapping[int, CellTimes]
    unusable: frozenset[int]
    floors: Mapping[tuple[str, str], float]
    seed: int
    in_doubt: str = ""

    def effects(self) -> tuple[Effect, ...]:
        """Every contrast that can be estimated. The bounds of one kind of effect hold together."""
        wanted = contrasts(self.experiment, operations=self.operations)
        kinds = dict.fromkeys(contrast.kind for contrast in wanted)
        families = (self._family([contrast for contrast in wanted if contrast.kind == kind]) for kind in kinds)
        found = {contrast: effect for family in families for contrast, effect in family.items()}
        return tuple(found[contrast] for contrast in wanted if contrast in found)

    def _family(self, family: Sequence[Contrast]) -> dict[Contrast, Effect]:
        """The effects of one kind: their bounds hold at once."""
        first = self._estimates(family, blocks=self.blocks)
        fresh = self.confirming if family[0].kind == "server" else ()
        pooled = self._estimates(family, blocks=(*self.blocks, *fresh)) if fresh else {}
        return {each: self._effect(each, first=own, pooled=pooled.get(each)) for each, own in first.items()}

    def _estimates(self, family: Sequence[Contrast], *, blocks: Sequence[BlockTimes]) -> dict[Contrast, Estimated]:
        """What these blocks say of each contrast of a family that can be estimated."""
        columns: list[list[float]] = []
        for contrast in family:
            columns += [[self._value(contrast, block, number) for block in blocks] for number in _numbers(contrast)]
        if not blocks:
            return {}
        values = np.array(columns).T
        # The few are counts, with bounds of their own.
        has_few = family[0].kind == "server"
        alpha = (1 - statistics.LEVEL) * (1 - FEW_SHARE if has_few else 1)
        estimates = iter(zip(statistics.estimate(values, seed=self.seed, level=1 - alpha), values.T, strict=True))
        found: dict[Contrast, Estimated] = {}
        for contrast in family:
            parts = [next(estimates) for _ in _numbers(contrast)]
            if parts[0][0] is not None:
                ours = [part[0] for part in parts]
                if has_few:
                    ours.append(self._few(contrast, family=len(family), blocks=blocks))
                found[contrast] = (ours, parts[0][1])
        return found

    def _few(self, contrast: Contrast, *, family: int, blocks: Sequence[BlockTimes]) -> Estimate | None:
        """The difference of the shares of the few, its bounds among those of a family of so many contrasts."""
        alpha = (1 - statistics.LEVEL) * FEW_SHARE / family
        found = rare.discordant(self._pairs(contrast, blocks))
        return rare.few(found, alpha=alpha, blocks=len(blocks), simultaneous=3 * family)

    def _pairs(self, contrast: Contrast, blocks: Sequence[BlockTimes]) -> list[tuple[Array, Array]]:
        """The seconds of a comparison's one pair of arms, block by block."""
        [pair] = contrast.pairs
        cells = [self.numbers[contrast.operation, arm] for arm in (pair.candidate, pair.reference)]
        return [block.pairs(*cells) for block in blocks] if self.unusable.isdisjoint(cells) else []

    def _value(self, contrast: Contrast, block: BlockTimes, number: Callable[[Array, Array], float]) -> float:
        """The contrast's value in one block; NaN when one of its pairs never ran together there."""
        value = 0.0
        for pair in contrast.pairs:
            cells = [self.numbers[contrast.operation, arm] for arm in (pair.candidate, pair.reference)]
            candidate, reference = block.pairs(*cells)
            if not len(candidate) or not self.unusable.isdisjoint(cells):
                return float("nan")
            value += pair.weight * number(candidate, reference)
        return value

    def _effect(self, contrast: Contrast, *, first: Estimated, pooled: Estimated | None) -> Effect:
        """The effect by the first blocks; where those leave it unclear, by all of them, which may call it the same."""
        limits = {name: (low, high) for name, low, high in self.experiment.tolerances}
        tolerance, must_catch = limits.get(contrast.operation, (TOLERANCE, MUST_CATCH))

        def judged(estimates: Sequence[Estimate | None]) -> Verdict:
            typical, total, few = (*estimates, None, None)[:3]
            assert typical is not None  # noqa: S101 - only what can be estimated is judged
            return judge(typical, total=total, few=few, tolerance=tolerance, must_catch=must_catch)

        estimates, dots = first
        found = judged(estimates)
        if found.word == "unclear" and pooled:
            estimates, dots = pooled
            found = judged(estimates)
            if found.is_alarm:
                # An alarm needs blocks that nobody had seen when it was raised.
                found = Verdict(word="unclear", detail=f"it looks {found.word}, and no blocks are left to confirm it")
        typical, total, few = (*estimates, None, None)[:3]
        assert typical is not None  # noqa: S101 - as above
        verdict = self._confirmed(contrast, found)
        near, net = self._against_floor(contrast)
        return Effect(
            operation=contrast.operation, face=contrast.face, kind=contrast.kind, subject=contrast.subject,
            given=contrast.given, typical=ratio(typical), total=ratio(total) if total else None,
            few=_difference(few) if few else None, p=typical.p, verdict=verdict.word, detail=verdict.detail,
            dots=tuple(exp(value) for value in dots if np.isfinite(value)), near_floor=near, net_ratio=net,
        )  # fmt: skip

    def _confirmed(self, contrast: Contrast, verdict: Verdict) -> Verdict:
        """The verdict, or *unclear* where nothing may be concluded, or where no fresh blocks confirm an alarm."""
        if self.in_doubt:
            return Verdict(word="unclear", detail=self.in_doubt)
        if contrast.kind != "server" or verdict.word == "same":
            return verdict
        if not verdict.is_alarm:
            return verdict if self.confirming else Verdict(word="unclear", detail=UNDECIDED)
        if not self.confirming:
            return Verdict(word="unclear", detail=UNCONFIRMED)
        if verdict.part == FEW:
            pairs = rare.discordant(self._pairs(contrast, self.confirming))
            p = rare.one_sided_p(pairs if verdict.word == "slower" else rare.swapped(pairs))
            return verdict if p < CONFIRMED else Verdict(word="unclear", detail=NOT_CONFIRMED)
        number = _numbers(contrast)[verdict.part]
        values = np.array([self._value(contrast, block, number) for block in self.confirming])
        values = values[np.isfinite(values)]
        p = statistics.one_sided_p(values if verdict.word == "slower" else -values)
        return verdict if p < CONFIRMED else Verdict(word="unclear", detail=NOT_CONFIRMED)

    def _against_floor(self, contrast: Contrast) -> tuple[bool, float | None]:
        """Whether a side is near the floor, and then the ratio with the floor subtracted from both sides."""
        logs, near = 0.0, False
        for pair in contrast.pairs:
            floor = self.floors.get((contrast.operation, pair.candidate.face))
            arms = (pair.candidate, pair.reference)
            sides = [self.times[self.numbers[contrast.operation, arm]].median for arm in arms]
            if floor is None or None in sides:
                return False, None
            candidate, reference = (side for side in sides if side is not None)
            near = near or min(candidate, reference) < NEAR_FLOOR * floor
            if candidate <= floor or reference <= floor:
                return near, None
            logs += pair.weight * log((candidate - floor) / (reference - floor))
        return near, exp(logs) if near and contrast.kind != "interaction" else None

    def waterfalls(self) -> tuple[Waterfall, ...]:
        """The way from all-off to all-on by knobs, for each operation and face where two blocks have all settings."""
        if not self.experiment.knobs:
            return ()
        places = [(operation, face) for operation in self.operations for face in self.experiment.faces]
        return tuple(fall for place in places if (fall := self._waterfall(*place)) is not None)

    def _waterfall(self, operation: str, face: str) -> Waterfall | None:
        """Shapley shares from the passes in which all settings ran; None below two such blocks."""
        knobs = self.experiment.knobs
        arms = [arm for arm in self.experiment.arms if arm.face == face]
        columns = [self.numbers[operation, arm] for arm in arms]
        if not self.unusable.isdisjoint(columns):
            return None
        means = []
        for block in self.blocks:
            seconds = block.seconds[:, columns]
            whole = seconds[np.isfinite(seconds).all(axis=1)]
            if len(whole):
                means.append(whole.mean(axis=0))
        if len(means) < 2:
            return None
        table = np.array(means)
        on = [frozenset(k.name for k in knobs if dict(arm.variant)[k.name] == k.on) for arm in arms]
        values = {names: table[:, column] for column, names in enumerate(on)}
        shares = statistics.shapley(values, knobs=[knob.name for knob in knobs])
        return Waterfall(
            operation=operation,
            face=face,
            start=float(values[frozenset()].mean()),
            end=float(values[frozenset(knob.name for knob in knobs)].mean()),
            steps=tuple(Step(knob=name, seconds=_seconds(share)) for name, share in shares.items()),
        )


def _numbers(contrast: Contrast) -> tuple[Callable[[Array, Array], float], ...]:
    """What is estimated of a contrast from its blocks: no total of a ratio of ratios."""
    return (statistics.typical,) if contrast.kind == "interaction" else (statistics.typical, statistics.total)


def ratio(estimate: Estimate) -> Interval:
    """An estimate of a log-ratio as a ratio."""
    return Interval(
        estimate=exp(estimate.mean), low=exp(estimate.low), high=exp(min(estimate.high, 300.0)), blocks=estimate.blocks,
        simultaneous=estimate.simultaneous,
    )  # fmt: skip


def _difference(estimate: Estimate) -> Interval:
    return Interval(
        estimate=estimate.mean, low=estimate.low, high=estimate.high, blocks=estimate.blocks,
        simultaneous=estimate.simultaneous,
    )  # fmt: skip


def _seconds(values: Array) -> Interval:
    mean, half = float(values.mean()), statistics.interval_half_width(values)
    return Interval(estimate=mean, low=mean - half, high=mean + half, blocks=len(values))
