"""Yields the page of a gate's calibration: how often it is wrong, and what it finds. It renders no HTML."""

from dataclasses import dataclass
from functools import cached_property

from lab.power_findings import Dose, GatePower
from lab.power_words import Rows, lead, tables, where
from reports.chart import Chart
from reports.charts import detection

DOSE_MARK = "+"
"""What the names of doses begin with: the other plants are not slower by one ratio."""


@dataclass(frozen=True, kw_only=True)
class PowerPage:
    """What the template asks of a gate's calibration."""

    found: GatePower

    @property
    def where(self) -> str:
        """When, where and of which commits."""
        return where(self.found)

    @property
    def lead(self) -> tuple[str, ...]:
        """What matters, in sentences."""
        return lead(self.found)

    @property
    def tables(self) -> tuple[Rows, ...]:
        """All numbers."""
        return tables(self.found)

    @cached_property
    def curve(self) -> Chart | None:
        """The detection curve; None without a dose."""
        planted = [dose for dose in self.found.doses if dose.kind.startswith(DOSE_MARK) and _slower(dose) > 0]
        doses = tuple(sorted(planted, key=_slower))
        if not doses:
            return None
        said = ", ".join(f"{dose.kind}: {dose.found.count} of {dose.found.of}" for dose in doses)
        return Chart(
            identifier="detection",
            title=f"Called slower: {said}",
            alternative=f"Detection curve. Called slower: {said}.",
            svg=detection.draw(doses, identifier="detection", alternative=f"Detection curve. {said}."),
            header=("planted", "tolerance", "slower in truth", "called slower", "of"),
            rows=tuple(
                (
                    dose.kind, f"{dose.tolerance:.1%}", f"{_slower(dose):.2%}", str(dose.found.count),
                    str(dose.found.of),
                )
                for dose in doses
            ),
        )  # fmt: skip


def _slower(dose: Dose) -> float:
    """By what share requests were slower in truth; 0 where nobody measured it."""
    return detection.truth(dose) or 0.0
