"""Yields hit rates against the model, and response times by class, of a study of caches. It measures nothing."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from lab.caching_findings import ClassTime, HitRate
from lab.caching_model import lifetime_hits, replayed
from lab.caching_plan import POPULAR
from lab.caching_seen import Rows, SeenCaching, SeenTrial, is_counted, is_hit, response, service, wanted
from lab.over_blocks import around, quantile_over
from lab.recorder import Told

CLASSES: Final = {
    "hit": (Told.HIT,), "part": (Told.PART,), "waited": (Told.WAITED,), "miss": (Told.MISS, Told.AWAY),
}  # fmt: skip
UNCACHED: Final = {"no cache": (Told.NOTHING,)}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """The requests of one trial for the keys of one exponent by one face.

    How many there are, and how many of them hit: as it was measured, by the model and in the replay.
    """

    block: int
    requests: int
    measured: float
    model: float
    replayed: float


Parts = dict[tuple[int, int, str], list[_Part]]
"""By the exponent's place, the variant and the face."""


def rates_of(seen: SeenCaching) -> tuple[tuple[HitRate, ...], tuple[HitRate, ...]]:
    """Each exponent's hit rate over all levels; and level by level, all faces together and then face by face."""
    parts = _parts(seen)
    places = range(len(seen.plan.design.exponents))
    faces = [seen.faces, *((face,) for face in seen.faces)] if len(seen.faces) > 1 else [seen.faces]
    overall = (_rate(seen, parts, place=place, variants=seen.cached, faces=seen.faces) for place in places)
    each = (
        _rate(seen, parts, place=place, variants=(variant,), faces=group)
        for place in places for variant in seen.cached for group in faces
    )  # fmt: skip
    return tuple(filter(None, overall)), tuple(filter(None, each))


def compute_of(seen: SeenCaching) -> float:
    """How long a miss takes on average while answers live for a short time, in seconds."""
    rows = [trial.reads for variant in seen.cached for trial in seen.of(POPULAR, variant=variant)]
    return _compute(np.concatenate(rows)) if rows else 0.0


def _compute(rows: Rows) -> float:
    misses = service(rows[np.isin(rows["cache"], CLASSES["miss"])])
    return float(misses.mean()) if len(misses) else 0.0


def classes_of(seen: SeenCaching) -> Iterator[ClassTime]:
    """Level by level and face by face, the response times of every class that came up."""
    for variant, level in enumerate(seen.levels):
        for face in seen.faces:
            blocks = [seen.own(trial, face=face) for trial in seen.of(POPULAR, variant=variant)]
            blocks = [rows for rows in blocks if len(rows)]
            for kind, told in (CLASSES if variant in seen.cached else UNCACHED).items():
                own = [rows[np.isin(rows["cache"], told)] for rows in blocks]
                requests, times = sum(map(len, own)), [response(rows) for rows in own]
                if requests:
                    shares = [len(some) / len(rows) for some, rows in zip(own, blocks, strict=True)]
                    yield ClassTime(
                        level=level, face=face, kind=kind, requests=requests,
                        share=around(requests / sum(map(len, blocks)), shares, most=1.0),
                        p50=quantile_over(times, share=0.5), p99=quantile_over(times, share=0.99),
                    )  # fmt: skip


def _parts(seen: SeenCaching) -> Parts:
    found: Parts = {}
    for variant in seen.cached:
        for trial in seen.of(POPULAR, variant=variant):
            for place, face, part in _parts_of(seen, trial):
                found.setdefault((place, variant, face), []).append(part)
    return found


def _parts_of(seen: SeenCaching, trial: SeenTrial) -> Iterator[tuple[int, str, _Part]]:
    plan, rows = seen.plan, trial.reads
    ttl, late, hit = float(plan.design.seconds_to_live), is_counted(rows), is_hit(rows)
    again = replayed(wanted(rows), sent=rows["sent"] / 1e9, done=rows["done"] / 1e9, ttl=ttl)
    rates = len(rows) / trial.what.seconds / len(seen.faces) * plan.popularity[rows["key"]]
    expected = lifetime_hits(rates, ttl=ttl, compute=_compute(rows))
    places, faces = rows["key"] // plan.part_keys, seen.face_of(rows)
    for place in range(len(plan.design.exponents)):
        for number, face in enumerate(seen.faces):
            mine = (places == place) & (faces == number) & late
            if mine.any():
                part = _Part(
                    block=trial.block, requests=int(mine.sum()), measured=float(hit[mine].sum()),
                    model=float(expected[mine].sum()), replayed=float(again[mine].sum()),
                )  # fmt: skip
                yield place, face, part


def _rate(
    seen: SeenCaching, parts: Parts, *, place: int, variants: Sequence[int], faces: Sequence[str]
) -> HitRate | None:
    own = [part for variant in variants for face in faces for part in parts.get((place, variant, face), ())]
    if not own:
        return None
    blocks: dict[int, list[_Part]] = {}
    for part in own:
        blocks.setdefault(part.block, []).append(part)
    requests, share = sum(part.requests for part in own), _share(own)
    return HitRate(
        exponent=seen.plan.design.exponents[place], requests=requests, share=share,
        level=seen.levels[variants[0]] if len(variants) == 1 else "", face=faces[0] if len(faces) == 1 else "",
        measured=around(share, [_share(each) for each in blocks.values()], most=1.0),
        model=sum(part.model for part in own) / requests, replayed=sum(part.replayed for part in own) / requests,
    )  # fmt: skip


def _share(parts: Sequence[_Part]) -> float:
    return sum(part.measured for part in parts) / sum(part.requests for part in parts)
