"""Yields what arms cost their server in CPU time beside their face's bare view, block by block. It reads no file."""

from collections.abc import Mapping, Sequence
from math import log

from lab.experiment import Arm
from lab.load_findings import Cost
from lab.load_plan import ArmLoad
from lab.load_seen import Seen
from lab.scatter import mean_of, ratio_of


def costs(seen: Mapping[ArmLoad, Sequence[Seen | None]], *, arms: Sequence[Arm]) -> tuple[Cost, ...]:
    """Each load of an arm over the same load of its face's bare arm; none in a design without one."""
    bare = {(arms[load.arm].face, load.step): blocks for load, blocks in seen.items() if arms[load.arm].is_bare}
    found = []
    for load, blocks in seen.items():
        arm = arms[load.arm]
        others = () if arm.is_bare else bare.get((arm.face, load.step), ())
        pairs = [
            (_cpu(ours, arm=arm), _cpu(theirs, arm=arm))
            for ours, theirs in zip(blocks, others, strict=False)
            if ours and theirs and not ours.reasons and not theirs.reasons
        ]
        sound = [(own, other) for own, other in pairs if min(own[0], other[0]) > 0]
        if len(sound) < 2:
            continue
        each = [(own[0] / own[1], other[0] / other[1]) for own, other in sound]
        ratio = ratio_of([log(own / other) for own, other in each])
        spent = min(sum(own[0] for own, _ in sound), sum(other[0] for _, other in sound))
        found.append(
            Cost(
                face=arm.face, variant=arm.variant, step=load.step, ratio=ratio, spent=spent,
                seconds=mean_of([own for own, _ in each]), bare=mean_of([other for _, other in each]),
            )
        )  # fmt: skip
    return tuple(found)


def _cpu(seen: Seen, *, arm: Arm) -> tuple[float, int]:
    """CPU seconds of the arm's server in a trial, and the requests that took them, the warm-up in both."""
    return dict(seen.trial.cpu).get(arm.server, 0.0), sum(share.requests for share in seen.trial.shares)
