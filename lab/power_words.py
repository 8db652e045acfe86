"""Yields the tables of a gate's calibration as rows of text, and as Markdown. It computes nothing."""

from collections.abc import Sequence
from dataclasses import dataclass

from lab.power_findings import Dose, Duellist, GatePower, Proportion
from lab.units import seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """One table: its title, what its columns are, and its rows."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def tables(found: GatePower) -> tuple[Rows, ...]:
    """The tables that have rows."""
    kinds = tuple(dict.fromkeys(rate.kind for each in found.duel for rate in each.rates))
    made = (
        Rows(
            title="Unchanged code",
            header=("gates of", "tolerance", "time for measuring", "gates", "alarms", "rate of alarms, at most (95 %)",
                    "passed", "unclear", "called something faster", "could not compare", "longest"),
            rows=tuple(
                (
                    each.what, _share(each.tolerance), seconds(each.budget) if each.budget else "–", str(each.gates),
                    str(each.alarms), f"{each.bound:.1%}",
                    f"{each.passed} ({each.passed / each.gates:.0%})", str(each.unclear), str(each.faster),
                    str(each.failed), seconds(each.longest),
                )
                for each in found.alarms
            ),
        ),
        Rows(
            title="Planted mistakes",
            header=("mistake", "found by", "found", "longest"),
            rows=tuple(
                (each.kind, each.layer, f"{each.found} of {each.of}", seconds(each.longest)) for each in found.mistakes
            ),
        ),
        Rows(
            title="Planted work",
            header=("planted", "tolerance", "called slower [95 %]", "called faster", "true ratio",
                    "intervals that hold it", "longest"),
            rows=tuple(_dose(each) for each in found.doses),
        ),
        Rows(
            title="The duel: how often each raised an alarm",
            header=("gate", "threshold", *kinds), rows=tuple(_duel(each, kinds=kinds) for each in found.duel),
        ),
    )  # fmt: skip
    return tuple(each for each in made if each.rows)


def lead(found: GatePower) -> tuple[str, ...]:
    """What matters, in sentences."""
    said = []
    gates, alarms = sum(each.gates for each in found.alarms), sum(each.alarms for each in found.alarms)
    if gates:
        passed, failed = sum(each.passed for each in found.alarms), sum(each.failed for each in found.alarms)
        rest = f", {failed} could not compare" if failed else ""
        said.append(
            f"{alarms} false alarms in {gates} gates of unchanged code (a rate of at most {found.bound:.1%} at 95 %); "
            f"{passed} passed, {gates - alarms - passed - failed} were unclear{rest}."
        )
    if found.covered:
        said.append(f"{rate(found.covered)} intervals hold the true ratio.")
    if found.least:
        least = ", ".join(f"+{value:.1%} at a tolerance of {_share(tolerance)}" for tolerance, value in found.least)
        said.append(
            f"The least slow-down of one operation that eight gates in ten find: {least}; what fresh blocks then fail "
            "to confirm is not in this."
        )
    if found.line is not None:
        said.append(
            f"On each machine the doses' true ratios lie on a line with the planted turns, to within {found.line:.2%}."
        )
    return tuple(said)


def markdown(found: GatePower) -> str:
    """The calibration for docs: when and where, the sentences, the tables."""
    parts = [where(found), "\n".join(f"- {each}" for each in lead(found))]
    for table in tables(found):
        lines = [table.header, ["---"] * len(table.header), *table.rows]
        parts += [f"**{table.title}**", "\n".join(f"| {' | '.join(line)} |" for line in lines)]
    return "\n\n".join(parts) + "\n"


def where(found: GatePower) -> str:
    """When, where and of which commits the ledger is."""
    when = found.first[:10] if found.first[:10] == found.last[:10] else f"{found.first[:10]} to {found.last[:10]}"
    commits, data = ", ".join(found.commits), "; ".join(found.datasets)
    return f"{found.tries} gates, {when}, on {'; '.join(found.machines)}; {data}; commit {commits}."


def rate(each: Proportion) -> str:
    """As in `19 of 20 [75 %, 100 %]`."""
    return f"{each.count} of {each.of} {_ends(each)}"


def _dose(each: Dose) -> tuple[str, ...]:
    truth = ", ".join(f"{value.estimate:.4f} ({face})" for face, value in each.truth)
    covered = f"{each.covered.count} of {each.covered.of}" if each.covered else "–"
    return (
        each.kind, _share(each.tolerance), rate(each.found), str(each.faster), truth or "–", covered,
        seconds(each.longest),
    )  # fmt: skip


def _duel(each: Duellist, *, kinds: Sequence[str]) -> tuple[str, ...]:
    own = {rate.kind: rate.alarms for rate in each.rates}
    cells = (f"{own[kind].count} of {own[kind].of}" if kind in own else "–" for kind in kinds)
    return (each.name, _share(each.threshold), *cells)


def _ends(each: Proportion) -> str:
    return f"[{each.low:.0%}, {each.high:.0%}]"


def _share(value: float) -> str:
    return f"{value:.1%}".replace(".0%", "%").replace("%", " %")
