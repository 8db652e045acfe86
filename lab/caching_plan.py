"""Yields the plan of a study of caches: what each variant is asked, for how long, in which order. It sends nothing."""

from dataclasses import dataclass, replace
from math import sqrt
from random import Random
from typing import Final

import numpy as np

from lab.arrivals import Arrivals, Segment, profile
from lab.caching_model import Array, Keys, zipf
from lab.experiment import CachingDesign
from lab.trial import Trial

POPULAR: Final = "popular"
"""Keys by Zipf's law with each of the exponents, while answers live for a short time."""

SINGLE: Final = "single"
"""Every key one by one, by one face: first cold, then warm."""

MIX: Final = "mix"
"""Keys by Zipf's law with the usual exponent, with a share of writes, while answers live on."""

LIVES_LEFT_OUT: Final = 2
"""Lives of an answer that do not count at a trial's beginning: after one the cache has forgotten how it began."""

MIX_SETTLES: Final = 1.0
"""Seconds at the beginning of a mix that do not count."""

PASSES: Final = 2.5
"""How many times as long as every key takes without a cache each is asked for one by one: a miss takes longer."""

LEAST_PASSES: Final = 1.0
"""Seconds that this takes at the least."""

LEAST_LIVES: Final = 4
LEAST_MIX_SECONDS: Final = 1.0
TRIAL_OVERHEAD: Final = 0.3
BLOCK_OVERHEAD: Final = 12.0
"""Seconds in which a block boots two servers and a generator for each part, and makes a database and its writes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CachingTrial:
    """A trial of a block: its number in the script of its `part`, and what it is.

    What is due before `settled` is left out. `variant` is a number; `face` is empty where all are asked at once. Times
    are seconds, `writes` is the share of requests that write.
    """

    part: str
    number: int
    kind: str
    variant: int
    settled: float
    seconds: float
    face: str = ""
    writes: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CachingBlock:
    """The trials of a block, in the order in which they were run."""

    trials: tuple[CachingTrial, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CachingPlan:
    """A design whose times fit a budget, and what it is asked of: keys, faces, variants by number.

    `pass_seconds` is what all keys take one by one without a cache.
    """

    design: CachingDesign
    keys: int
    faces: tuple[str, ...]
    variants: int
    pass_seconds: float
    seed: int

    @property
    def part_keys(self) -> int:
        """How many keys each exponent has."""
        return self.keys // len(self.design.exponents)

    @property
    def popularity(self) -> Array:
        """The share of each key (n,) in the requests of a face while answers live for a short time."""
        exponents = self.design.exponents
        parts = [zipf(self.part_keys, exponent=exponent) / len(exponents) for exponent in exponents]
        shares: Array = np.concatenate(parts)
        return shares

    @property
    def block_seconds(self) -> float:
        """How long a block takes, as far as that can be told beforehand."""
        trials = (*self.popular(0), *(each for number in range(self.variants) for each in self.mixes(0, number)))
        return BLOCK_OVERHEAD + sum(trial.seconds + TRIAL_OVERHEAD for trial in trials)

    @property
    def total_seconds(self) -> float:
        """How long all blocks take."""
        return self.design.blocks * self.block_seconds

    def order(self, block: int) -> tuple[int, ...]:
        """The variants in the order of a block."""
        return tuple(Random(f"{self.seed}/caching/{block}").sample(range(self.variants), self.variants))

    def popular(self, block: int) -> tuple[CachingTrial, ...]:
        """The trials with a short life, a variant each."""
        settled = float(LIVES_LEFT_OUT * self.design.seconds_to_live)
        return tuple(
            CachingTrial(
                part=POPULAR, number=number, kind=POPULAR, variant=variant, settled=settled,
                seconds=settled + self.design.seconds,
            )
            for number, variant in enumerate(self.order(block))
        )  # fmt: skip

    def mixes(self, block: int, variant: int) -> tuple[CachingTrial, ...]:
        """The trials of a variant whose answers live on: one by one, without writes, then with them in drawn order."""
        shares = sorted(self.design.write_shares)
        drawn = Random(f"{self.seed}/caching/{block}/mixes").sample(shares, len(shares))
        part = f"{MIX}-{variant}"
        singles = [
            CachingTrial(
                part=part, number=number, kind=SINGLE, variant=variant, settled=0.0, face=face,
                seconds=max(PASSES * self.pass_seconds, LEAST_PASSES),
            )
            for number, face in enumerate(self.faces)
        ]  # fmt: skip
        mixes = [
            CachingTrial(
                part=part, number=len(singles) + number, kind=MIX, variant=variant, settled=MIX_SETTLES, writes=share,
                seconds=MIX_SETTLES + self.design.mix_seconds * _weight(share),
            )
            # Those without writes first: they find what was asked for one by one.
            for number, share in enumerate(sorted(drawn, key=bool))
        ]  # fmt: skip
        return (*singles, *mixes)

    def trial(self, block: int, what: CachingTrial, *, writes: int = 0) -> Trial:
        """What a generator runs, as numbers of lines: arms by keys, a face's arms variant by variant, then `writes`.

        Of the writes each variant has an equal part.
        """
        if what.kind == SINGLE:
            first = self._line(self.faces.index(what.face), what.variant) * self.keys
            order = Random(f"{self.seed}/{block}/{what.face}").sample(range(self.keys), self.keys)
            return Trial(
                sequence=tuple(first + key for key in order), seconds=what.seconds,
                users=(Segment(seconds=what.seconds, begin=1, end=1),),
            )  # fmt: skip
        # In mixes variants are compared with each other, so all meet the same requests. Popularity is compared with a
        # model, and learns more by others for each.
        name = f"{what.writes}" if what.kind == MIX else f"{POPULAR}/{what.variant}"
        random = np.random.default_rng(Random(f"{self.seed}/{block}/{name}").getrandbits(63))
        arrivals = Arrivals(
            kind="poisson", profile=profile("steady", rate=self.design.rate, seconds=what.seconds),
            seed=int(random.integers(2**31)),
        )  # fmt: skip
        due = self.design.rate * what.seconds
        # Enough in nearly every case: eight standard deviations above the mean. A few more would begin anew.
        count = int(due + 8 * sqrt(due) + 16)
        keys = self._keys(random, count=count, kind=what.kind)
        faces = random.integers(len(self.faces), size=count)
        sequence = (faces * self.variants + what.variant) * self.keys + keys
        if what.writes:
            own = writes // self.variants
            chosen = len(self.faces) * self.variants * self.keys + what.variant * own + random.integers(own, size=count)
            sequence = np.where(random.random(count) < what.writes, chosen, sequence)
        return Trial(
            sequence=tuple(sequence.tolist()), seconds=what.seconds, warm_seconds=what.settled, arrivals=arrivals
        )

    def _line(self, face: int, variant: int) -> int:
        return face * self.variants + variant

    def _keys(self, random: np.random.Generator, *, count: int, kind: str) -> Keys:
        """Keys, each drawn on its own."""
        if kind == MIX:
            return random.choice(self.keys, size=count, p=zipf(self.keys, exponent=self.design.usual))
        parts = random.integers(len(self.design.exponents), size=count)
        ranks = np.zeros(count, dtype=np.int64)
        for number, exponent in enumerate(self.design.exponents):
            own = parts == number
            ranks[own] = random.choice(
                self.part_keys, size=int(own.sum()), p=zipf(self.part_keys, exponent=exponent)
            )  # fmt: skip
        return parts * self.part_keys + ranks


def _weight(writes: float) -> float:
    """How long a mix lasts, of others: without writes it is all hits or none, and needs less."""
    return 1.0 if writes else 0.5


def fitted(plan: CachingPlan, *, budget: float | None) -> CachingPlan:
    """The plan with its open trials as long as fits into `budget` seconds; without one as it is."""
    if budget is None:
        return plan
    design = plan.design
    spare = (budget - plan.total_seconds) / (design.blocks * plan.variants)
    # What counts of a block is shared out as the design does it.
    own = design.seconds + design.mix_seconds * sum(map(_weight, design.write_shares))
    scale = max(1 + spare / own, 0.0)
    return replace(
        plan,
        design=replace(
            design, seconds=max(design.seconds * scale, float(LEAST_LIVES * design.seconds_to_live)),
            mix_seconds=max(design.mix_seconds * scale, LEAST_MIX_SECONDS),
        ),
    )  # fmt: skip
