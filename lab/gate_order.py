"""Yields `GateOrder`, what a gate is asked, and the two experiments that answer it. It runs none."""

from dataclasses import dataclass, replace
from typing import Final

from lab.experiment import Experiment, Server
from lab.thresholds import Thresholds
from lab.worktrees import Checkout

BASE: Final = "base"
HEAD: Final = "head"

BUDGETED_ON: Final = ("medium", 1)
"""The dataset and the seed that budgets are of."""

COUNTED_KEYS: Final = 6
TIMED_KEYS: Final = 48
PAGE_SIZES: Final = (10, 40)

BENCHMARK_BLOCKS: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class GateOrder:
    """What a gate was asked: two checkouts, the experiment whose operations and knobs it takes, and what may pass.

    `update` is a file of thresholds in which the head's counts become the budgets, or empty. `benchmarks` are calls in
    process that are paired too, `all` of them or some by name. `plan_seed` draws the keys and the orders of what is
    timed, `seed` the dataset and the keys of what is counted.
    """

    base: Checkout
    head: Checkout
    experiment: Experiment
    thresholds: Thresholds
    dataset: str
    budget: float
    blocks: int
    seed: int
    plan_seed: int
    instrument: str
    command: str
    update: str = ""
    benchmarks: tuple[str, ...] = ()

    @property
    def accepted(self) -> tuple[str, ...]:
        """Operations whose answers may differ."""
        return tuple(name for name, own in self.thresholds.operations.items() if own.accept_answer)

    @property
    def counted(self) -> Experiment:
        """What is counted: both commits at all knobs on, all off, and each one alone off."""
        knobs = self.experiment.knobs
        on = {knob.name: knob.on for knob in knobs}
        settings = [on, {knob.name: knob.off for knob in knobs}, *(on | {knob.name: knob.off} for knob in knobs)]
        variants = tuple(dict.fromkeys((*self.experiment.variant, *setting.items()) for setting in settings))
        return replace(self._both, variants=variants, keys=COUNTED_KEYS, page_sizes=PAGE_SIZES)

    @property
    def timed(self) -> Experiment:
        """What is timed: both commits with every knob on but the cache."""
        own = tuple((knob.name, knob.off if knob.name == "cache" else knob.on) for knob in self.experiment.knobs)
        tolerances = tuple(
            (name, self.thresholds.of(name).service_time, self.thresholds.of(name).must_catch)
            for name in self.experiment.operation_names
        )
        return replace(
            self._both, variant=(*self.experiment.variant, *own), keys=TIMED_KEYS, budget=self.budget,
            blocks=self.blocks, tolerances=tolerances,
        )  # fmt: skip

    @property
    def _both(self) -> Experiment:
        return replace(
            self.experiment, name="gate", question=f"Is {self.head.commit} as good as {self.base.commit}?", knobs=(),
            variant=(), load=None, servers=(Server(name=BASE), Server(name=HEAD)),
        )  # fmt: skip
