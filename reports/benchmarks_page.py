"""Yields the page of a session of benchmarks: what a call takes in process. It renders no HTML."""

from dataclasses import dataclass
from functools import cached_property

from lab.benchmark_findings import Benchmark, Benchmarks
from reports import format as text
from reports.chart import Chart
from reports.charts import spans

READING = (
    "Dot: the median of the rounds; bar: their middle half; tick: the quickest. Times are on a log scale. A time says "
    "how long a call took here and now, in a process of its own: another session may differ by 10 % and more for the "
    "same code. Two commits are compared in turn by the gate, with --benchmarks."
)


@dataclass(frozen=True, kw_only=True)
class BenchmarksPage:
    """What the template asks of a session."""

    found: Benchmarks

    @property
    def ordered(self) -> list[Benchmark]:
        """The slowest first."""
        return sorted(self.found.benchmarks, key=lambda each: -each.stats.median)

    @property
    def where(self) -> tuple[tuple[str, str], ...]:
        """Where and when it ran, of which commit."""
        machine, commit = self.found.machine_info, self.found.commit_info
        return (
            ("commit", f"{commit.id[:12]}{'+changes' if commit.dirty else ''}"),
            ("measured", self.found.datetime),
            ("processor", str(machine.cpu.get("brand_raw", machine.machine))),
            ("system", f"{machine.system} {machine.release}"),
            ("Python", machine.python_version),
            ("pytest-benchmark", self.found.version),
        )

    @cached_property
    def chart(self) -> Chart | None:
        """All benchmarks in one chart; None without any."""
        found = self.ordered
        if not found:
            return None
        said = ", ".join(f"{each.name} {text.duration(each.stats.median)}" for each in found)
        return Chart(
            identifier="benchmarks",
            title=f"{found[0].name} takes longest: {text.duration(found[0].stats.median)} a call at the median",
            alternative=f"Median seconds of a call: {said}.",
            svg=spans.draw(found, identifier="benchmarks", alternative=f"Median seconds of a call: {said}."),
            header=("benchmark", "quickest", "first quartile", "median", "third quartile", "mean", "slowest", "rounds",
                    "calls a round"),
            rows=tuple(
                (
                    each.fullname.rpartition("/")[2],
                    *(
                        text.duration(value)
                        for value in (s.min, s.q1, s.median, s.q3, s.mean, s.max)
                    ),
                    text.count(s.rounds), text.count(s.iterations),
                )
                for each in found for s in (each.stats,)
            ),
        )  # fmt: skip
