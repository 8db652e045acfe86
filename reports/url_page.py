"""Yields the page of a load on one URL: its answer in a sentence, its charts and its tables. It renders no HTML."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from lab.findings import GENERATOR_LIMIT, KERNEL_LIMIT, STEAL_LIMIT
from lab.load_findings import LATENESS_LIMIT, Moment, UrlLoad
from reports import format as text
from reports.chart import Chart
from reports.charts import moments, spectrum

SPECTRUM = (
    "Go to the right by the share of the right answers, then up to the line: so many came within this time. From 90 % "
    "on every mark leaves a tenth of the requests that the one before left, so the right end shows the rarest; the "
    "last point is the slowest of all. Response time runs from the moment at which a request was due, service time "
    "from its sending: where they part, requests waited before they could be sent. Time is on a log scale."
)
MOMENTS = (
    "Each point is a slice of the load, from its start to its end: the median, the 99th percentile and the maximum of "
    "the response times of the requests that were due in it. A gap is a slice in which nothing was answered right; a "
    "cross above the drawing is one in which arrivals failed. Time is on a log scale."
)
CLOSED = (
    "This was a closed load: each user waits for an answer before sending the next request, so a slow service is asked "
    "less often. Its response times hide queueing: what others would have waited meanwhile is not in them. Use open "
    "arrivals (--rate) to see that."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensor:
    """What a sensor saw, beside its limit; `is_over` where that voids the load."""

    name: str
    seen: str
    limit: str
    is_over: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Percentile:
    """One percentile of both times; `is_thin` where fewer answers than its rarity came, so that it is the maximum."""

    name: str
    response: str
    service: str
    is_thin: bool


@dataclass(frozen=True, kw_only=True)
class UrlPage:
    """What the template asks of a load on one URL."""

    found: UrlLoad

    @property
    def is_void(self) -> bool:
        """Whether the load counts for nothing."""
        return self.found.state != "valid"

    @property
    def is_closed(self) -> bool:
        """Whether users waited for their answers."""
        return self.found.arrivals == "closed"

    @property
    def asked(self) -> str:
        """The load that was asked for."""
        found = self.found
        what = f"{text.level(found.level)} closed users" if self.is_closed else f"{text.rate(found.level)}"
        kind = "" if self.is_closed else f" of {found.arrivals} arrivals"
        shape = f", {found.shape}" if found.shape != "steady" else ""
        many = f", by {found.workers} generators" if found.workers > 1 else ""
        warm = f" after {text.duration(found.warm_seconds)} of warm-up" if found.warm_seconds else ""
        return f"{what}{kind}{shape} for {text.duration(found.seconds)}{warm}{many}"

    @property
    def times(self) -> str:
        """The response times that the head sentence names."""
        own = dict(self.found.response)
        said = [f"{name} {text.duration(own[share])}" for share, name in _HEAD if share in own]
        return ", ".join(said) if said else "none"

    @property
    def errors(self) -> str:
        """What went wrong, in a phrase."""
        found = self.found
        parts = [f"{text.count(found.failed)} of {text.count(found.requests)} requests failed"] if found.failed else []
        parts += [f"{text.count(found.unsent)} arrivals were never sent"] if found.unsent else []
        return "; ".join(parts) or f"no errors in {text.count(found.requests)} requests"

    @property
    def percentiles(self) -> tuple[Percentile, ...]:
        """The table of percentiles; a share that only one of the times has shows a dash at the other."""
        response, service = dict(self.found.response), dict(self.found.service)
        return tuple(
            Percentile(
                name=spectrum.name_of(share),
                response=text.duration(response.get(share)),
                service=text.duration(service.get(share)),
                is_thin=share < 1 and self.found.right * (1 - share) < 1 - 1e-9,
            )
            for share in sorted({*response, *service})
        )

    @property
    def sensors(self) -> tuple[Sensor, ...]:
        """What the sensors saw, those with a limit first."""
        seen, unsent = self.found.sensors, self.found.unsent
        off = seen.kernel_ratio - 1
        steal = text.percent(seen.steal) if seen.steal is not None else "not available"
        pressure = text.percent(seen.pressure) if seen.pressure is not None else "not available"
        late = text.count(self.found.late)
        return (
            Sensor(
                name="busiest generator, share of a core", seen=text.percent(seen.generator_share),
                limit=text.percent(GENERATOR_LIMIT), is_over=seen.generator_share > GENERATOR_LIMIT,
            ),
            Sensor(
                name="lateness of sending, p99", seen=text.duration(seen.lateness),
                limit=text.duration(LATENESS_LIMIT), is_over=seen.lateness > LATENESS_LIMIT,
            ),
            Sensor(name="arrivals never sent", seen=text.count(unsent), limit="0", is_over=unsent > 0),
            Sensor(
                name="processor time taken by the host", seen=steal, limit=text.percent(STEAL_LIMIT),
                is_over=seen.steal is not None and seen.steal > STEAL_LIMIT,
            ),
            Sensor(
                name="reference kernel, after over before", seen=text.ratio(seen.kernel_ratio),
                limit=f"1 ± {KERNEL_LIMIT:.2f}", is_over=abs(off) > KERNEL_LIMIT,
            ),
            Sensor(name="processor pressure", seen=pressure, limit=text.ABSENT),
            Sensor(name="requests sent late", seen=late, limit=text.ABSENT),
        )  # fmt: skip

    @cached_property
    def charts(self) -> tuple[tuple[str, Chart], ...]:
        """The charts, each with how to read it; those that have nothing to show are left out."""
        drawn = ((SPECTRUM, self._spectrum), (MOMENTS, self._moments))
        made: list[tuple[str, Callable[[], Chart | None]]] = list(drawn)
        return tuple((reading, chart) for reading, make in made if (chart := make()))

    def _spectrum(self) -> Chart | None:
        found = self.found
        own = dict(found.response)
        if not any(seconds > 0 for _, seconds in found.response):
            return None
        said = ", ".join(f"{spectrum.name_of(share)} {text.duration(seconds)}" for share, seconds in found.response)
        alternative = f"Percentile spectrum. Response time: {said}."
        title = "Response time"
        if 0.5 in own and 1.0 in own and own[0.5] > 0:
            typical, most = text.duration(own[0.5]), text.duration(own[1.0])
            title = f"The slowest answer took {most}, {text.number(own[1.0] / own[0.5])} times the median of {typical}"
        return Chart(
            identifier="spectrum",
            title=title,
            alternative=alternative,
            svg=spectrum.draw(
                found.response, found.service, right=found.right, identifier="spectrum", alternative=alternative
            ),
            header=("percentile", "response time", "service time"),
            rows=tuple((each.name, each.response, each.service) for each in self.percentiles),
        )

    def _moments(self) -> Chart | None:
        course = self.found.moments
        if not course:
            return None
        alternative = f"Response time over the load in {len(course)} slices. {_worst(course)}."
        return Chart(
            identifier="moments",
            title=_worst(course),
            alternative=alternative,
            svg=moments.draw(course, identifier="moments", alternative=alternative),
            header=moments.header(),
            rows=moments.data(course),
        )


_HEAD = ((0.5, "p50"), (0.95, "p95"), (0.99, "p99"))


def _worst(course: tuple[Moment, ...]) -> str:
    """The slice with the slowest p99, and how many slices have failures."""
    answered = [moment for moment in course if moment.right]
    if not answered:
        return "Nothing was answered right at any time"
    worst = max(answered, key=lambda moment: moment.p99)
    said = f"p99 was worst {text.duration(worst.at)} into the load, {text.duration(worst.p99)}"
    failed = sum(1 for moment in course if moment.failed)
    return f"{said}; arrivals failed in {failed} of {len(course)} slices" if failed else said
