"""Yields the comparisons that a design asks for: which cells are set against which. It computes no estimate."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from typing import Final

from lab.experiment import Arm, Experiment, Knob
from lab.wording import varied_levels

CACHE: Final = "cache"
"""The knob whose warm hits bypass all others: effects are given at its off level first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two arms and the weight with which ln(candidate / reference) enters a contrast."""

    candidate: Arm
    reference: Arm
    weight: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """One comparison: the weighted mean of pairs, all of one operation. See `findings.Effect` for the kinds."""

    operation: str
    face: str
    kind: str
    subject: str
    given: str
    pairs: tuple[Pair, ...]


def contrasts(experiment: Experiment, *, operations: Sequence[str]) -> tuple[Contrast, ...]:
    """Every comparison of the experiment's design, operation by operation and face by face."""
    found: list[Contrast] = []
    for operation in operations:
        for face in experiment.faces:
            if experiment.knobs:
                found += _knob_contrasts(experiment, operation=operation, face=face)
            found += _server_contrasts(experiment, operation=operation, face=face)
            found += _part_contrasts(experiment, operation=operation, face=face)
        if experiment.compares_faces:
            found += _face_contrasts(experiment, operation=operation)
    return tuple(found)


def _server_contrasts(experiment: Experiment, *, operation: str, face: str) -> Iterator[Contrast]:
    """Every server against the first one: at the one setting there is, or at each of the variants, as a part is."""
    if experiment.knobs:
        return
    reference, *candidates = experiment.servers
    for candidate, variant in product(candidates, experiment.variants or (experiment.variant,)):
        pair = Pair(
            candidate=Arm(server=candidate.name, face=face, variant=variant),
            reference=Arm(server=reference.name, face=face, variant=variant),
            weight=1.0,
        )
        yield Contrast(
            operation=operation, face=face, kind="part" if experiment.variants else "server",
            subject=f"{candidate.name} / {reference.name}",
            given=varied_levels(variant, among=experiment.variants), pairs=(pair,),
        )  # fmt: skip


def _part_contrasts(experiment: Experiment, *, operation: str, face: str) -> Iterator[Contrast]:
    """What a part costs: two settings that differ in it alone, at every server of a face that has both."""
    arms = experiment.arms
    for server in experiment.servers:
        for subject, *numbers in experiment.parts:
            candidate, reference = (
                Arm(server=server.name, face=face, variant=experiment.variants[number]) for number in numbers
            )
            if candidate not in arms or reference not in arms:
                continue
            variants = [arm.variant for arm in arms]
            names = " / ".join(varied_levels(arm.variant, among=variants) for arm in (candidate, reference))
            yield Contrast(
                operation=operation, face=face, kind="part", subject=subject, given=names,
                pairs=(Pair(candidate=candidate, reference=reference, weight=1.0),),
            )  # fmt: skip


def _knob_contrasts(experiment: Experiment, *, operation: str, face: str) -> Iterator[Contrast]:
    uncached = [knob for knob in experiment.knobs if knob.name != CACHE]
    cache = next((knob for knob in experiment.knobs if knob.name == CACHE), None)
    fixed = ((cache.name, cache.off),) if cache else ()
    label = f"{CACHE} = off" if cache else ""

    def contrast(kind: str, subject: str, given: str, pairs: tuple[Pair, ...]) -> Contrast:
        return Contrast(operation=operation, face=face, kind=kind, subject=subject, given=given, pairs=pairs)

    pairs = _Pairs(experiment, face=face)
    for knob in uncached:
        yield contrast("conditional", knob.name, label, pairs.of(knob, fixed=fixed))
        others = [other for other in uncached if other is not knob]
        for setting in _settings(others):
            given = _given(others, setting, label)
            yield contrast("simple", knob.name, given, pairs.of(knob, fixed=(*fixed, *setting)))
    for first, second in combinations(uncached, 2):
        yield contrast(
            "interaction", f"{first.name} x {second.name}", label, pairs.interaction(first, second, fixed=fixed)
        )
    if len(uncached) > 2:
        for triple in combinations(uncached, 3):
            subject = " x ".join(knob.name for knob in triple)
            yield contrast("interaction", subject, label, pairs.interaction(*triple, fixed=fixed))
    whole = Pair(
        candidate=pairs.arm({each.name: each.on for each in experiment.knobs}),
        reference=pairs.arm({each.name: each.off for each in experiment.knobs}),
        weight=1.0,
    )
    yield contrast("whole", "all knobs", "", (whole,))
    if cache:
        for level in ("off", "on"):
            setting = tuple((knob.name, getattr(knob, level)) for knob in uncached)
            yield contrast("simple", cache.name, f"the others {level}", pairs.of(cache, fixed=setting))
        for knob in experiment.knobs:
            yield contrast("main", knob.name, "", pairs.of(knob, fixed=()))
        for knob in uncached:
            yield contrast("interaction", f"{knob.name} x {cache.name}", "", pairs.interaction(knob, cache, fixed=()))


def _face_contrasts(experiment: Experiment, *, operation: str) -> Iterator[Contrast]:
    cache = next((knob for knob in experiment.knobs if knob.name == CACHE), None)
    named: list[tuple[str, list[tuple[tuple[str, str], ...]]]] = []
    if cache:
        named.append((f"{CACHE} = off", [s for s in _settings(experiment.knobs) if (cache.name, cache.off) in s]))
        named.append((f"{CACHE} = on, warm", [s for s in _settings(experiment.knobs) if (cache.name, cache.on) in s]))
    if experiment.knobs:
        named.append(("all off", [_settings(experiment.knobs)[0]]))
        uncached = tuple((k.name, k.off if k.name == CACHE else k.on) for k in experiment.knobs)
        named.append((f"{CACHE} = off, the others on", [uncached]))
    else:
        named.append(("", [()]))
    held = experiment.variant
    for given, settings in named:
        pairs = tuple(
            Pair(
                candidate=Arm(server=experiment.servers[0].name, face="graphql", variant=(*setting, *held)),
                reference=Arm(server=experiment.servers[0].name, face="rest", variant=(*setting, *held)),
                weight=1 / len(settings),
            )
            for setting in settings
        )
        yield Contrast(operation=operation, face="", kind="face", subject="graphql / rest", given=given, pairs=pairs)


@dataclass(frozen=True, slots=True)
class _Pairs:
    """Makes the pairs of a factorial's contrasts at one face."""

    experiment: Experiment
    face: str

    def of(self, knob: Knob, *, fixed: tuple[tuple[str, str], ...]) -> tuple[Pair, ...]:
        """The knob on against off, averaged over every setting of the knobs that are not fixed."""
        held = {name for name, _ in fixed}
        free = [other for other in self.experiment.knobs if other is not knob and other.name not in held]
        settings = _settings(free)
        return tuple(self._pair(knob, (*fixed, *setting), weight=1 / len(settings)) for setting in settings)

    def interaction(self, knob: Knob, *others: Knob, fixed: tuple[tuple[str, str], ...]) -> tuple[Pair, ...]:
        """The knob's effect where the others are on over its effect where they are off, alternating in sign."""
        found: list[Pair] = []
        for setting in _settings(others):
            sign = 1.0
            for other, (_, level) in zip(others, setting, strict=True):
                sign *= 1.0 if level == other.on else -1.0
            found += [
                Pair(candidate=pair.candidate, reference=pair.reference, weight=sign * pair.weight)
                for pair in self.of(knob, fixed=(*fixed, *setting))
            ]
        return tuple(found)

    def _pair(self, knob: Knob, setting: tuple[tuple[str, str], ...], *, weight: float) -> Pair:
        return Pair(
            candidate=self.arm({**dict(setting), knob.name: knob.on}),
            reference=self.arm({**dict(setting), knob.name: knob.off}),
            weight=weight,
        )

    def arm(self, levels: dict[str, str]) -> Arm:
        """The arm of the pairs' face with these levels, and all else as the experiment holds it."""
        variant = tuple((knob.name, levels[knob.name]) for knob in self.experiment.knobs)
        held = self.experiment.variant
        return Arm(server=self.experiment.servers[0].name, face=self.face, variant=(*variant, *held))


def _settings(knobs: Sequence[Knob]) -> list[tuple[tuple[str, str], ...]]:
    """Every setting of `knobs`, all off first."""
    return [
        tuple((knob.name, level) for knob, level in zip(knobs, levels, strict=True))
        for levels in product(*((knob.off, knob.on) for knob in knobs))
    ]


def _given(knobs: Sequence[Knob], setting: Sequence[tuple[str, str]], first: str) -> str:
    return ", ".join(
        filter(None, [first, *(f"{k.name} {level}" for k, (_, level) in zip(knobs, setting, strict=True))])
    )
