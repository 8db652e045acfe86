"""Yields the findings of a study of caches from its folder alone. It measures nothing.

A block gives one value of each number; the interval is that of their mean, around what all blocks give together.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from lab.caching_findings import CachingFindings, HitRate, Memory, VoidTrial
from lab.caching_plan import CachingPlan
from lab.caching_rates import classes_of, compute_of, rates_of
from lab.caching_seen import SeenCaching, seen_trials
from lab.caching_tables import curves, tables
from lab.caching_times import costs_of, mixes_of, passes_of, worths_of
from lab.caching_trials import Kept
from lab.caching_words import METHOD, READING, answer
from lab.json_files import read_if_there
from lab.recorder import Told
from lab.results import RunFolder
from lab.study_findings import StudyFindings
from lab.units import count, rate, seconds
from lab.wording import varied_levels

FAR: Final = 0.02
"""How far, as a share, a hit rate may be from the model before the report doubts itself."""

LONG: Final = 0.05
"""Share of an answer's life from which on computing it is too long for the model."""


def study_caching(folder: RunFolder) -> StudyFindings:
    """What was found, in words, tables and curves."""
    found = derive_caching(folder)
    return StudyFindings(
        answer=answer(found), tables=tables(found), curves=curves(found), reading=READING, method=METHOD,
        complete=found.blocks_done == found.blocks, notes=found.notes,
    )  # fmt: skip


def derive_caching(folder: RunFolder) -> CachingFindings:
    """What was found, also by a run that ended early: of the blocks that came to their end."""
    manifest = folder.manifest
    experiment, design = manifest.experiment, manifest.experiment.caching
    assert design is not None  # noqa: S101 - only studies of caches are derived here
    # Without a plan there are no blocks either.
    plan = read_if_there(folder.path / "caching-plan.json", CachingPlan) or CachingPlan(
        design=design, keys=experiment.keys, faces=experiment.faces, variants=len(experiment.variants),
        pass_seconds=0.0, seed=manifest.seed,
    )  # fmt: skip
    levels = tuple(varied_levels(variant, among=experiment.variants) for variant in experiment.variants)
    trials = seen_trials(folder, blocks=design.blocks, arms=len(experiment.arms))
    seen = SeenCaching(plan=plan, levels=levels, faces=experiment.faces, trials=trials)
    proof = folder.proof
    exponents, rates = rates_of(seen)
    return CachingFindings(
        operation=next(iter(manifest.operations), ""), rate=plan.design.rate, lifetime=design.seconds_to_live,
        usual=design.usual, shares=design.write_shares, keys=plan.keys, part_keys=plan.part_keys, levels=levels,
        faces=experiment.faces, exponents=exponents, rates=rates, classes=tuple(classes_of(seen)),
        passes=tuple(passes_of(seen)), mixes=tuple(mixes_of(seen)), costs=tuple(costs_of(seen)),
        worths=tuple(worths_of(seen)), memories=tuple(_memories(folder, levels=levels)), voids=tuple(_voids(seen)),
        blocks=design.blocks, blocks_done=len({trial.block for trial in trials}), trials=len(trials),
        trials_counted=len(seen.counted), answers=sum(each.answers for each in proof.proofs),
        notes=(*proof.notes, *_notes(seen, exponents, wanted_rate=design.rate)),
    )  # fmt: skip


def _memories(folder: RunFolder, *, levels: tuple[str, ...]) -> Iterator[Memory]:
    for each in read_if_there(folder.path / "kept.json", tuple[Kept, ...]) or ():
        weight = each.weight
        yield Memory(
            level=levels[each.variant], face=each.face, answers=each.answers, entries=weight.entries,
            body=each.body / each.answers, stored=weight.stored / each.answers,
            memory=None if weight.memory is None else weight.memory / each.answers,
        )  # fmt: skip


def _voids(seen: SeenCaching) -> Iterator[VoidTrial]:
    for trial in seen.trials:
        if trial.reasons:
            what = trial.what
            yield VoidTrial(
                block=trial.block, kind=what.kind, level=seen.levels[what.variant], face=what.face, writes=what.writes,
                reason="; ".join(trial.reasons),
            )  # fmt: skip


def _notes(seen: SeenCaching, exponents: Sequence[HitRate], *, wanted_rate: float) -> Iterator[str]:
    blocks = len({trial.block for trial in seen.trials})
    if blocks < seen.plan.design.blocks:
        yield f"The run ended after {blocks} of {seen.plan.design.blocks} blocks; what was measured is shown."
    void = [trial for trial in seen.trials if trial.reasons]
    if void:
        yield f"{len(void)} of {len(seen.trials)} trials count for nothing; a table gives each one's reason."
    design = seen.plan.design
    if design.rate < wanted_rate:
        yield (
            f"The rate is {rate(design.rate)}/s and not {rate(wanted_rate)}/s: without a cache requests take too long "
            "for more."
        )
    away = sum(int((trial.reads["cache"] == Told.AWAY).sum()) for trial in seen.trials)
    if away:
        yield f"The cache did not answer {count(away)} look-ups, which count as misses."
    apart = [each for each in exponents if abs(each.apart) > FAR]
    if apart:
        worst = max(apart, key=lambda each: abs(each.apart))
        yield (
            f"At {len(apart)} of {len(exponents)} exponents, levels and faces the hit rate is more than "
            f"{FAR * 100:.0f} points from the model, at worst by {worst.apart * 100:+.1f}: the workload, the keys or "
            "the model are not what they should be."
        )
    compute, life = compute_of(seen), seen.plan.design.seconds_to_live
    if compute > LONG * life:
        yield (
            f"A miss took {seconds(compute)} on average, more than {LONG:.0%} of an answer's life of {life} s: the "
            "model of the hit rate is rough there."
        )
