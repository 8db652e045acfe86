"""Yields the plan of a run under load: the loads that each arm meets, and each block's order. It sends nothing."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import Final

from lab.arrivals import Arrivals, Segment
from lab.experiment import LoadDesign
from lab.trial import Trial

TRIAL_OVERHEAD: Final = 0.25
"""Seconds that a trial takes beyond its own: its schedule, the reference kernel, its last answers."""

BLOCK_OVERHEAD: Final = 4.0
"""Seconds in which a block boots its server and its generator."""

LEAST_SECONDS: Final = 0.75

ROUNDS: Final = 2
"""How often each closed user is answered in the time that counts, at the least; a warm-up has one time more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmLoad:
    """One load on one arm: `level` is its rate per second (kind open), or its users (closed)."""

    arm: int
    kind: str
    step: str
    level: float
    warm_seconds: float
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadPlan:
    """All loads, arm by arm, and what they were planned by: each arm's throughput in the pilot, in requests/s.

    An arm that could not be loaded has no loads and the capacity 0.
    """

    capacities: tuple[float, ...]
    loads: tuple[ArmLoad, ...]
    blocks: int
    seed: int

    @property
    def seconds(self) -> float:
        """How long all blocks take, as far as that can be told beforehand."""
        once = sum(load.warm_seconds + load.seconds + TRIAL_OVERHEAD for load in self.loads)
        return self.blocks * (once + BLOCK_OVERHEAD)

    def block(self, index: int) -> tuple[ArmLoad, ...]:
        """The loads of one block: steps in a drawn order, and within each step all arms in a drawn order."""
        random = Random(f"{self.seed}/load/{index}")
        steps: dict[str, list[ArmLoad]] = {}
        for load in self.loads:
            steps.setdefault(load.step, []).append(load)
        order = random.sample(sorted(steps), len(steps))
        return tuple(load for step in order for load in random.sample(steps[step], len(steps[step])))


def pilot_loads(design: LoadDesign, *, arms: Iterable[int]) -> tuple[ArmLoad, ...]:
    """One closed load for each of `arms`, from which its capacity is taken."""
    return tuple(
        ArmLoad(
            arm=arm, kind="closed", step="pilot", level=design.pilot_users, warm_seconds=design.warm_seconds,
            seconds=design.pilot_seconds,
        )
        for arm in arms
    )  # fmt: skip


def plan_loads(
    design: LoadDesign, *, capacities: Mapping[int, float], arms: int, seed: int, budget: float | None = None
) -> LoadPlan:
    """The loads of every arm that has a capacity above 0; with `budget`, trials as long as fit into its seconds.

    A trial is over once `design.enough` requests came, but a closed one not before each of its users was answered
    `ROUNDS` times at that capacity: what is over before would count a fraction of an answer.
    """
    known = {arm: capacity for arm, capacity in capacities.items() if capacity > 0}
    slowest = min(known.values(), default=0.0)
    loads = tuple(
        load for arm, capacity in known.items() for load in _loads(design, arm, capacity=capacity, slowest=slowest)
    )
    plan = LoadPlan(
        capacities=tuple(known.get(arm, 0.0) for arm in range(arms)), loads=loads, blocks=design.blocks, seed=seed
    )
    if budget is None or not loads:
        return plan
    spare = (budget - plan.seconds) / (len(loads) * plan.blocks)
    fitted = replace(design, seconds=max(design.seconds + spare, LEAST_SECONDS))
    return plan_loads(fitted, capacities=capacities, arms=arms, seed=seed)


def trial_of(load: ArmLoad, *, sequence: tuple[int, ...], seed: str) -> Trial:
    """The trial of a load. The same `seed` draws the same arrivals, and the same place of `sequence` to begin at."""
    random = Random(seed)
    turn = random.randrange(len(sequence))
    seconds = load.warm_seconds + load.seconds
    level = (Segment(seconds=seconds, begin=load.level, end=load.level),)
    return Trial(
        sequence=sequence[turn:] + sequence[:turn],
        seconds=seconds,
        warm_seconds=load.warm_seconds,
        users=level if load.kind == "closed" else (),
        arrivals=Arrivals(kind="poisson", profile=level, seed=random.getrandbits(31)) if load.kind == "open" else None,
    )


def _seconds(design: LoadDesign, *, rate: float) -> float:
    return min(design.seconds, max(design.enough / rate, LEAST_SECONDS))


def _loads(design: LoadDesign, arm: int, *, capacity: float, slowest: float) -> Iterator[ArmLoad]:
    for users in design.users:
        step = f"{users} user{'s' if users > 1 else ''}"
        a_round = users / capacity
        yield ArmLoad(
            arm=arm, kind="closed", step=step, level=users, warm_seconds=max(design.warm_seconds, a_round),
            seconds=max(_seconds(design, rate=capacity), ROUNDS * a_round),
        )  # fmt: skip
    rates = [(f"{share:.0%} of its own capacity".replace("%", " %"), share * capacity) for share in design.shares]
    if design.common is not None:
        rates.append(("one common rate", design.common * slowest))
    for step, rate in rates:
        yield ArmLoad(
            arm=arm, kind="open", step=step, level=rate, warm_seconds=design.warm_seconds,
            seconds=_seconds(design, rate=rate),
        )  # fmt: skip
