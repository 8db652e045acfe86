"""Yields the plan of a run: how the time budget is shared among cells, and each block's request list.

It sends nothing and reads no clock: the pilot times come in, seeded lists of requests go out.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count
from math import log2, sqrt
from random import Random
from statistics import geometric_mean
from typing import Final

from lab.experiment import Arm

SLOW: Final = 0.25
"""Seconds above which a cell gets one request a block, or in every second one: its effects are large, not its noise."""

SLOW_SHARE: Final = 0.15
"""Share of a block up to which slow cells are asked in every one: with half the blocks an interval is twice as wide."""

WARM_SHARE: Final = 0.15
"""Share of a block that warm-up may take."""

REQUEST_OVERHEAD: Final = 0.0006
"""Seconds that the generator itself spends between two requests, the reference kernel's share included."""

Variant = tuple[tuple[str, str], ...]

MAX_STRIDE: Final = 8
FLOOR_STRIDE: Final = 4
"""The least stride of a floor: its median alone is asked for."""

WARM_PASSES: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedCell:
    """A cell as the plan sees it: its pilot time and how often it takes part.

    It is asked in every `stride`-th round, and a slow one once a block, or in every second block alone. Without an arm
    it is the floor: the bare view that the cells of its operation and face are set against.
    """

    index: int
    operation: str
    face: str
    arm: Arm | None
    seconds: float
    stride: int = 1

    @property
    def is_slow(self) -> bool:
        """Whether the cell gets one request a block at the most."""
        return self.seconds > SLOW


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How the budget is shared: the cells, the blocks, the rounds of each, and the seconds that a block may take.

    Slow cells are asked in every `slow_every`-th block.
    """

    cells: tuple[PlannedCell, ...]
    blocks: int
    rounds: int
    block_seconds: float
    keys: int
    seed: int
    slow_every: int = 2

    def spare(self, block: int) -> int:
        """The index of the block that is run again for a void one: it boots its servers in the same order."""
        return self.blocks + block

    @property
    def confirming(self) -> range:
        """The indices of the blocks of a confirmation: half as many again."""
        return range(2 * self.blocks, 2 * self.blocks + self.blocks // 2)

    def is_confirming(self, index: int) -> bool:
        """Whether block `index` belongs to a confirmation and so not to the estimate."""
        return index >= 2 * self.blocks


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One request of a block's list: which cell, with which key."""

    cell: int
    key: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockPlan:
    """One block's list: warm-up passes, then measured passes; a pass is one operation at all its arms."""

    index: int
    warm: tuple[tuple[Ask, ...], ...]
    passes: tuple[tuple[Ask, ...], ...]
    warm_seconds: float
    seconds: float


def plan_run(
    pilots: Sequence[PlannedCell], *, budget: float, blocks: int, boot_seconds: float, keys: int, seed: int
) -> Plan:
    """The plan that spends `budget` seconds on `blocks` blocks, by precision.

    The variance of a cell's mean falls with its requests and their cost grows with its time, so a cell's
    share of requests goes with 1 / sqrt(time), in powers of two, so that any two cells share rounds.
    Cells that differ in server or face alone are asked equally often: what is asked more stays warmer, and a server
    was seen to be 3 % faster by that at what both were asked.
    """
    cells = _strided(pilots)
    slow = sum(cell.seconds for cell in cells if cell.is_slow)
    share = budget / blocks - boot_seconds
    slow_every = 1 if slow <= SLOW_SHARE * share else 2
    round_seconds = _round_seconds(cells)
    rounds = int((share * (1 - WARM_SHARE) - slow / slow_every) / round_seconds) if round_seconds else 1
    return Plan(
        cells=cells, blocks=blocks, rounds=max(rounds, 2), block_seconds=max(share, 0.5), keys=keys, seed=seed,
        slow_every=slow_every,
    )  # fmt: skip


def plan_rounds(pilots: Sequence[PlannedCell], *, rounds: int, blocks: int, keys: int, seed: int) -> Plan:
    """The plan of so many rounds a block, however long they take: a slow cell is asked once in every block.

    Where runs are compared each must come to its end: a block is cut only where it takes six times what pilots say.
    """
    plan = Plan(
        cells=_strided(pilots), blocks=blocks, rounds=rounds, block_seconds=0.0, keys=keys, seed=seed, slow_every=1
    )
    return replace(plan, block_seconds=60.0 + 6 * seconds_of_block(plan))


def seconds_of_block(plan: Plan) -> float:
    """What a block takes by the pilots, its warm-up included, without the booting of its servers."""
    quick = sum(cell.seconds + REQUEST_OVERHEAD for cell in plan.cells if not cell.is_slow)
    slow = sum(cell.seconds for cell in plan.cells if cell.is_slow) / plan.slow_every
    return max(WARM_PASSES, plan.keys) * quick + slow + plan.rounds * _round_seconds(plan.cells)


def _round_seconds(cells: Iterable[PlannedCell]) -> float:
    """What a round takes on the average, its slow cells left out."""
    return sum((cell.seconds + REQUEST_OVERHEAD) / cell.stride for cell in cells if not cell.is_slow)


def _strided(pilots: Sequence[PlannedCell]) -> tuple[PlannedCell, ...]:
    """The cells, each with how often it takes part."""
    alike = _alike(pilots)
    quickest = max(min((cell.seconds for cell in alike if cell.arm), default=0.002), 0.002)
    return tuple(_with_stride(cell, quickest=quickest) for cell in alike)


def _alike(pilots: Sequence[PlannedCell]) -> tuple[PlannedCell, ...]:
    """The cells, of which those of all servers and faces have one time: the geometric mean of pilots, or a slow one."""
    groups: dict[tuple[str, Variant | None], list[float]] = {}
    for cell in pilots:
        groups.setdefault(_kind(cell), []).append(cell.seconds)
    return tuple(replace(cell, seconds=_mean(groups[_kind(cell)])) for cell in pilots)


def _kind(cell: PlannedCell) -> tuple[str, Variant | None]:
    return cell.operation, cell.arm.variant if cell.arm else None


def _mean(seconds: Sequence[float]) -> float:
    """What is slow for one server is asked as slow things are of all: it was proven by its first keys alone."""
    if max(seconds) > SLOW or min(seconds) <= 0:
        return max(seconds)
    return geometric_mean(seconds)


def _with_stride(cell: PlannedCell, *, quickest: float) -> PlannedCell:
    stride = 2 ** round(log2(max(sqrt(cell.seconds / quickest), 1.0)))
    return replace(cell, stride=min(max(stride, 1 if cell.arm else FLOOR_STRIDE), MAX_STRIDE))


def plan_block(plan: Plan, *, index: int) -> BlockPlan:
    """Block `index` of the plan: its seeded request list.

    Each operation's arms come in an order drawn anew, and reversed in the next round in which cells of the same
    strides meet, so that of any two arms each is as often first as the other, but for what is left over. The keys
    take turns in the same way in every block: what differs between keys is no noise between blocks.
    """
    random = Random(f"{plan.seed}/block/{index}")
    operations = sorted({cell.operation for cell in plan.cells})
    orders: dict[tuple[str, int], list[PlannedCell]] = {}
    passes: list[tuple[Ask, ...]] = []
    for round_index in range(plan.rounds):
        for operation in random.sample(operations, len(operations)):
            level = _level(round_index)
            if (operation, level) in orders:
                order = orders.pop((operation, level))[::-1]
            else:
                order = [cell for cell in plan.cells if cell.operation == operation]
                random.shuffle(order)
                orders[operation, level] = order
            key = _key(round_index, keys=plan.keys)
            taking = [c for c in order if _takes_part(c, every=plan.slow_every, block=index, round_index=round_index)]
            if taking:
                passes.append(tuple(Ask(cell=cell.index, key=key) for cell in taking))
    quick = [cell for cell in plan.cells if not cell.is_slow]
    warm = tuple(
        tuple(Ask(cell=cell.index, key=warm_pass % plan.keys) for cell in random.sample(quick, len(quick)))
        for warm_pass in range(max(WARM_PASSES, plan.keys))
    )
    return BlockPlan(
        index=index, warm=warm, passes=tuple(passes), warm_seconds=plan.block_seconds * WARM_SHARE,
        seconds=plan.block_seconds,
    )  # fmt: skip


def turns(cells: Iterable[PlannedCell], *, servers: Sequence[str], block: int) -> Callable[[Ask], str]:
    """Who answers a block's requests, asked for them in their order: their own server, and floors all servers in turn.

    A server that answers floors alone stays warmer, and was seen to be 1 % faster at what others are asked too.
    """
    own = {cell.index: cell.arm.server for cell in cells if cell.arm}
    counts: dict[int, Iterator[int]] = {}

    def server(ask: Ask) -> str:
        if ask.cell in own:
            return own[ask.cell]
        return servers[next(counts.setdefault(ask.cell, count(block))) % len(servers)]

    return server


def _level(round_index: int) -> int:
    """How often two divides a round's number (-1 for the first): rounds of one level have cells of the same strides."""
    return (round_index & -round_index).bit_length() - 1


def _key(round_index: int, *, keys: int) -> int:
    """The keys in turn; an even number of them is shifted each time, so that no key keeps one order of arms."""
    shift = round_index // keys if keys % 2 == 0 else 0
    return (round_index + shift) % keys


def _takes_part(cell: PlannedCell, *, every: int, block: int, round_index: int) -> bool:
    if cell.is_slow:
        return round_index == 0 and block % every == 0
    return round_index % cell.stride == 0
