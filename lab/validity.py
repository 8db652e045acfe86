"""Yields why a trial is void, by its sensors alone: blind to what was measured. It reads no clock."""

from typing import Final

from lab.findings import GENERATOR_LIMIT, KERNEL_LIMIT, STEAL_LIMIT
from lab.load_findings import LATENESS_LIMIT
from lab.trial import TrialReport
from lab.units import seconds

GENERATOR: Final = "the generator used"
"""How the reason begins that names the generator as the limit."""


def void_trial(
    trial: TrialReport, *, lateness: float, unsent: int, kernel_ratio: float | None = None
) -> tuple[str, ...]:
    """Every reason why a trial does not count; none where it does. `lateness` is its 99th percentile, in seconds.

    `kernel_ratio` is the reference kernel of its block over that of the run's median block; without, the one after the
    trial over that before it.
    """
    off = (trial.kernel_ratio if kernel_ratio is None else kernel_ratio) - 1
    reasons = []
    if trial.steal is not None and trial.steal > STEAL_LIMIT:
        reasons.append(f"the host took {trial.steal:.1%} of the CPU (limit {STEAL_LIMIT:.0%})")
    if abs(off) > KERNEL_LIMIT:
        reasons.append(f"the reference kernel was off by {off:+.0%} (limit {KERNEL_LIMIT:.0%})")
    if trial.generator_share > GENERATOR_LIMIT:
        reasons.append(f"{GENERATOR} {trial.generator_share:.0%} of a core (limit {GENERATOR_LIMIT:.0%})")
    if lateness > LATENESS_LIMIT:
        reasons.append(f"one in a hundred was sent {seconds(lateness)} late (limit {seconds(LATENESS_LIMIT)})")
    if unsent:
        reasons.append(f"{unsent:,} arrivals were not sent: too many were under way")
    return tuple(reasons)
