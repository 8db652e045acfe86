"""Yields the page of all runs: those of each experiment, their trends, and what else there is. It renders no HTML."""

from dataclasses import dataclass

from lab.site_findings import Site, SiteRun, SiteTrend


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """An experiment: its question, its runs, the newest first, and its trend if any comparison was made twice."""

    name: str
    question: str
    runs: tuple[SiteRun, ...]
    trend: SiteTrend | None


@dataclass(frozen=True, kw_only=True)
class SitePage:
    """What the template asks of a site."""

    found: Site

    @property
    def groups(self) -> tuple[Group, ...]:
        """The experiments, by name."""
        trends = {trend.name: trend for trend in self.found.trends}
        by_name: dict[str, list[SiteRun]] = {}
        for run in self.found.runs:
            by_name.setdefault(run.experiment, []).append(run)
        return tuple(
            Group(
                name=name, runs=tuple(runs), trend=trends.get(name),
                question=next((run.question for run in runs if run.question), ""),
            )
            for name, runs in by_name.items()
        )  # fmt: skip

    @property
    def faults(self) -> int:
        """How many runs cannot be read."""
        return sum(bool(run.fault) for run in self.found.runs)


def state(run: SiteRun) -> str:
    """Whether a run is whole, and how many of its cells are void."""
    said = "whole" if run.complete else "interrupted or damaged"
    return f"{said}, {run.void} of {run.cells} cells void" if run.void else said
