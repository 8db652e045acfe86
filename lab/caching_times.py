"""Yields what a study of caches says of times: cold and warm, beside writes, and where a cache stops to pay.

It measures nothing.
"""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lab.caching_findings import Cost, Mix, SingleTime, Worth
from lab.caching_model import Array, most_writes, replayed, zipf
from lab.caching_plan import MIX, SINGLE
from lab.caching_seen import Rows, SeenCaching, SeenTrial, is_hit, response, service, wanted
from lab.findings import Interval
from lab.over_blocks import around, mean_over, quantile_over, ratio_of

APART: Final = 1e6
"""Seconds by which trials are set apart that follow each other: only their order matters where answers live on."""


def passes_of(seen: SeenCaching) -> Iterator[SingleTime]:
    """Level by level and face by face, the times of keys that are asked for one by one."""
    for variant, level in enumerate(seen.levels):
        for face in seen.faces:
            for kind, blocks in _passed(seen, variant, face=face).items():
                times = list(blocks.values())
                yield SingleTime(
                    level=level, face=face, kind=kind, requests=sum(map(len, times)), mean=mean_over(times),
                    p50=quantile_over(times, share=0.5), p99=quantile_over(times, share=0.99),
                )  # fmt: skip


def _passed(seen: SeenCaching, variant: int, *, face: str) -> dict[str, dict[int, Array]]:
    """By kind, each block's service times: the first request for a key is cold, where there is a cache, others warm."""
    found: dict[str, dict[int, Array]] = {}
    for trial in seen.of(SINGLE, variant=variant, face=face):
        seconds = service(trial.reads)
        if variant not in seen.cached:
            found.setdefault("no cache", {})[trial.block] = seconds
            continue
        is_first = np.zeros(len(seconds), dtype=np.bool_)
        is_first[np.unique(trial.reads["key"], return_index=True)[1]] = True
        found.setdefault("cold", {})[trial.block] = seconds[is_first]
        found.setdefault("warm", {})[trial.block] = seconds[~is_first]
    return found


def mixes_of(seen: SeenCaching) -> Iterator[Mix]:
    """Share by share, face by face and level by level, what reads take beside writes."""
    again = {(trial.block, trial.what.variant, trial.what.writes): hits for trial, hits in _replays(seen)}
    for writes in sorted(seen.plan.design.write_shares):
        for face in seen.faces:
            bare: dict[int, float] = {}
            for variant, level in enumerate(seen.levels):
                trials = seen.of(MIX, variant=variant, writes=writes)
                blocks = {trial.block: seen.own(trial, face=face) for trial in trials}
                blocks = {block: rows for block, rows in blocks.items() if len(rows)}
                if not blocks:
                    continue
                times = {block: response(rows) for block, rows in blocks.items()}
                means = {block: float(values.mean()) for block, values in times.items()}
                if variant == 0:  # the one without a cache
                    bare = means
                expected = [again[block, variant, writes][face] for block in blocks] if variant in seen.cached else []
                yield Mix(
                    level=level, face=face, writes=writes, requests=sum(map(len, times.values())),
                    hits=_hit_rate(list(blocks.values())) if variant in seen.cached else None,
                    replayed=float(np.concatenate(expected).mean()) if expected else None,
                    mean=mean_over(list(times.values())), p50=quantile_over(list(times.values()), share=0.5),
                    p99=quantile_over(list(times.values()), share=0.99),
                    ratio=ratio_of([(means[block], bare[block]) for block in means if block in bare])
                    if variant else None,
                )  # fmt: skip


def costs_of(seen: SeenCaching) -> Iterator[Cost]:
    """Share by share and level by level, CPU seconds per request."""
    for writes in sorted(seen.plan.design.write_shares):
        for variant, level in enumerate(seen.levels):
            cpu = [trial.cpu for trial in seen.of(MIX, variant=variant, writes=writes)]
            server, postgres = (
                [each[name] for each in cpu if name in each] for name in ("server", "PostgreSQL")
            )  # fmt: skip
            if server:
                yield Cost(
                    level=level, writes=writes, server=around(float(np.mean(server)), server),
                    postgres=around(float(np.mean(postgres)), postgres) if postgres else None,
                )  # fmt: skip


def worths_of(seen: SeenCaching) -> Iterator[Worth]:
    """Which hit rate makes up for what a miss takes longer, level by level and face by face."""
    shares = zipf(seen.plan.keys, exponent=seen.plan.design.usual)
    for face in seen.faces:
        bare = _passed(seen, 0, face=face).get("no cache", {})
        for variant in seen.cached:
            passed = _passed(seen, variant, face=face)
            cold, warm = passed.get("cold", {}), passed.get("warm", {})
            blocks = [block for block in cold if block in bare and len(cold[block]) and len(warm[block])]
            needed = [
                _needed(float(cold[block].mean()), float(warm[block].mean()), float(bare[block].mean()))
                for block in blocks
            ]
            if estimate := around(float(np.mean(needed)), needed, most=1.0) if needed else None:
                yield Worth(
                    level=seen.levels[variant], face=face, needed=estimate,
                    writes=most_writes(shares, needed=estimate.estimate, faces=len(seen.faces)),
                )  # fmt: skip


def _needed(cold: float, warm: float, bare: float) -> float:
    """The hit rate at which misses and hits together take what `bare` does: from 0, none is needed, to 1."""
    return min(max((cold - bare) / (cold - warm), 0.0), 1.0) if cold > warm else float(cold > bare)


def _hit_rate(blocks: Sequence[Rows]) -> Interval | None:
    hits = [is_hit(rows) for rows in blocks]
    return around(float(np.concatenate(hits).mean()), [float(each.mean()) for each in hits], most=1.0)


def _replays(seen: SeenCaching) -> Iterator[tuple[SeenTrial, dict[str, NDArray[np.bool_]]]]:
    """Every mix of a variant with a cache, and which of its counted reads hit in the replay, by face.

    What was asked for one by one, and by mixes before, is still kept: a variant's trials are replayed as one.
    """
    groups: dict[tuple[int, int], list[SeenTrial]] = {}
    for trial in seen.trials:
        if trial.what.kind in {SINGLE, MIX} and trial.what.variant in seen.cached:
            groups.setdefault((trial.block, trial.what.variant), []).append(trial)
    for group in groups.values():
        placed = [(APART * place, trial) for place, trial in enumerate(group)]
        hits = replayed(
            np.concatenate([wanted(trial.reads) for trial in group]),
            sent=np.concatenate([start + trial.reads["sent"] / 1e9 for start, trial in placed]),
            done=np.concatenate([start + trial.reads["done"] / 1e9 for start, trial in placed]),
            writes=np.concatenate([start + trial.writes for start, trial in placed]).tolist(),
        )
        ends = np.cumsum([len(trial.reads) for trial in group])
        for trial, own in zip(group, np.split(hits, ends[:-1]), strict=True):
            if trial.what.kind == MIX:
                yield trial, {face: own[seen.is_own(trial, face=face)] for face in seen.faces}
