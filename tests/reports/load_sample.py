"""Yields made-up findings of loads, of the shape and size of real ones. None of its numbers was measured."""

import math
import random
from dataclasses import replace
from itertools import product

from lab.findings import Findings, Interval
from lab.load_findings import (
    Bound,
    Calibration,
    Check,
    Gain,
    Law,
    LoadCell,
    LoadFindings,
    Moment,
    Scalability,
    Sensors,
    UrlLoad,
)
from tests.reports import sample

Variant = tuple[tuple[str, str], ...]

KNOBS = ("select_related", "prefetch_related", "indexes", "cache")
FACES = ("rest", "graphql")
HALF, COMMON = "half of its own capacity", "one common rate"
OFF: Variant = tuple((knob, "off") for knob in KNOBS)
BUILT: Variant = (("select_related", "on"), ("prefetch_related", "on"), ("indexes", "on"))
SHARES = (0.25, 0.5, 0.7, 0.9, 1.1)
USERS = (1, 2, 4, 8, 16, 32)
RATES = {"off": 6.2, "view": 305.0, "both": 318.0}
NO_LAW = "contention and coherency cannot be told from noise: throughput is still 94 % of linear at the last step"


def run(load: LoadFindings) -> Findings:
    """The findings beside a load: no cell, no effect, the rest as ever."""
    answer = ("REST carries 41.3 requests/s with all off and 1,012 with all on: 24.5x as much.",)
    question = "How many requests per second does the API carry, and what do the optimisations add, face by face?"
    return replace(
        sample.toggles(), experiment=load.walk, question=question, answer=answer, cells=(), effects=(), waterfalls=()
    )


def capacity() -> LoadFindings:
    """Four arms on two faces over a ladder of users and five rates: void cells, a missing law, a limiting generator."""
    chance = random.Random(11)
    arms = (OFF, (*BUILT, ("cache", "off")), (*BUILT, ("cache", "view")), (*BUILT, ("cache", "both")))
    cells: list[LoadCell] = []
    scalabilities: list[Scalability] = []
    for face, variant in product(FACES, arms):
        law = _law(face, variant)
        cells += [_closed(chance, face, variant, users, law=law) for users in USERS]
        cells += [_open(chance, face, variant, share, law=law) for share in SHARES]
        scalabilities.append(_scalability(face, variant, law=law))
    own = {(each.face, each.variant): each for each in scalabilities}
    gains = tuple(
        Gain(
            face=face,
            candidate=candidate,
            reference=OFF,
            ratio=_around(_most(own[face, candidate]) / _most(own[face, OFF]), by=0.05, simultaneous=6),
        )
        for face, candidate in product(FACES, arms[1:])
    )
    return LoadFindings(
        walk="browsing: lists, searches and details, as a visitor meets them",
        server="granian, 2 processes of 4 threads",
        cells=tuple(cells),
        scalabilities=tuple(scalabilities),
        gains=gains,
        notes=("Block 3 was damaged and is not counted.",),
        calibration=Calibration(
            measured="2026-01-01T12:00:00+00:00",
            steal=0.002,
            environment=(("commit", "0123456789ab"), ("cores", "2"), ("processor", "a quick one")),
            checks=(
                Check(
                    what="a server that stops", bound="p99 within 10 %", seen="p99 1.95 s, theory 1.93 s", holds=True
                ),
                Check(what="lateness", bound="p99 at most 2 ms", seen="6.22 ms", holds=False),
                Check(what="ceiling", bound="at least 0.75", seen="not available: one core", holds=None),
            ),
        ),
    )


def toggles() -> LoadFindings:
    """Sixteen arms on two faces at half of their own capacity and at one common rate; some cells are void."""
    chance = random.Random(12)
    arms: list[Variant] = [tuple(zip(KNOBS, levels, strict=True)) for levels in product(("off", "on"), repeat=4)]
    cells = []
    for face, variant, step in product(FACES, arms, (HALF, COMMON)):
        mean = 0.12 * math.prod(_GAINS[knob] if level == "on" else 1 for knob, level in variant)
        rate = 4.5 if step == COMMON else 0.9 / mean
        cell = _cell(chance, face, variant, kind="open", step=step, level=rate, typical=mean, tail=3.1, rate=rate)
        if step == COMMON and variant[2][1] == "off" and variant[1][1] == "on" and variant[3][1] == "on":
            reason = "in every block: one in a hundred was sent 7.20 ms late (limit 5.00 ms)"
            cell = _void(cell, reason)
        cells.append(cell)
    return LoadFindings(walk="browsing", server="granian", cells=tuple(cells), scalabilities=())


def bare() -> LoadFindings:
    """A load in which nothing counted: void cells alone, no capacity, no law and no reason for anything."""
    cells = tuple(_void(cell, "") for cell in capacity().cells)
    own = Scalability(
        face="rest", variant=OFF, capacity=None, users=None, knee=None, knee_reason="", limit="", law=None, reason=""
    )
    return LoadFindings(walk="", server="", cells=cells, scalabilities=(own,))


def url() -> UrlLoad:
    """A valid open load whose service stopped for a while, with a few errors."""
    shares = (0.0, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.995, 0.999, 0.9999, 1.0)
    service = tuple((share, 0.0021 + 0.0018 * share + 0.31 * share**600) for share in shares)
    response = tuple((share, seconds + 0.4 * share**40) for share, seconds in service)
    return UrlLoad(
        url="http://127.0.0.1:8000/api/products/?page=2",
        method="GET",
        arrivals="poisson",
        shape="steady",
        level=200.0,
        seconds=20.0,
        warm_seconds=1.0,
        seed=1,
        workers=0,
        started="2026-01-01T12:00:00+00:00",
        command="python -m lab load 'http://127.0.0.1:8000/api/products/?page=2' --rate 200 --html load.html",
        state="valid",
        reasons=(),
        offered=201.4,
        achieved=199.8,
        requests=4028,
        right=3996,
        failed=32,
        late=5,
        unsent=0,
        body_bytes=18_230 * 3996,
        faults=(("status", 30), ("time_out", 2)),
        response=response,
        service=service,
        sensors=Sensors(generator_share=0.142, lateness=0.00081, steal=0.001, pressure=None, kernel_ratio=1.004),
        moments=tuple(map(_moment, range(60))),
        environment=(("machine", "x86_64, 2 cores"), ("Python", "3.11.2")),
        samples=("results/load/one/samples/load.samples",),
    )


def void_url() -> UrlLoad:
    """A load that kept no promise: void, with each of the sensors beyond its limit."""
    return replace(
        url(),
        state="void",
        reasons=(
            "the generator used 91 % of a core (limit 60 %)",
            "1,204 arrivals were not sent: too many were under way",
        ),
        unsent=1204,
        sensors=Sensors(generator_share=0.91, lateness=0.0123, steal=0.081, pressure=0.42, kernel_ratio=1.31),
    )


def silent_url() -> UrlLoad:
    """A service that answered nothing right, and moments that were never cut."""
    return replace(
        url(), right=0, failed=4028, achieved=0.0, response=(), service=(), moments=(), faults=(("refused", 4028),),
        samples=(), body_bytes=0, environment=(), command="",
    )  # fmt: skip


def closed_url() -> UrlLoad:
    """Eight users who wait, without an error."""
    return replace(url(), arrivals="closed", level=8.0, faults=(), failed=0, right=4028, achieved=201.0)


_GAINS = {"select_related": 0.72, "prefetch_related": 0.44, "indexes": 0.3, "cache": 0.25}


def _around(value: float, *, by: float, blocks: int = 4, simultaneous: int = 1) -> Interval:
    return Interval(
        estimate=value, low=value * (1 - by), high=value * (1 + by), blocks=blocks, simultaneous=simultaneous
    )


def _bound(value: float, *, by: float) -> Bound:
    return Bound(estimate=value, low=max(value * (1 - by), 0.0), high=value * (1 + by))


def _law(face: str, variant: Variant) -> Law:
    level = dict(variant)["cache"]
    rate = 31.0 if level == "off" and variant != OFF else RATES[level]
    kappa = 0.0 if level == "view" else 0.0041
    return Law(
        rate=_bound(rate * (0.88 if face == "graphql" else 1), by=0.03),
        contention=_bound(0.11, by=0.2),
        coherency=Bound(estimate=kappa, low=0.0 if kappa == 0 else 0.003, high=kappa + 0.001),
        peak_users=14.7 if kappa else None,
        peak_throughput=rate * 5.1 if kappa else None,
        rms=0.021,
        refits=4,
    )


def _at(law: Law, users: float) -> float:
    lost = law.contention.estimate * (users - 1) + law.coherency.estimate * users * (users - 1)
    return law.rate.estimate * users / (1 + lost)


def _most(own: Scalability) -> float:
    assert own.capacity
    return own.capacity.estimate


def _scalability(face: str, variant: Variant, *, law: Law) -> Scalability:
    level = dict(variant)["cache"]
    highest = _at(law, 16)
    missing = level == "both" and face == "graphql"
    return Scalability(
        face=face,
        variant=variant,
        capacity=_bound(highest, by=0.02),
        users=16,
        knee=None if level == "view" else _bound(highest / law.rate.estimate, by=0.06),
        knee_reason="throughput still grows by 14% at the last step" if level == "view" else "",
        limit="generator" if missing else "" if level == "view" else "server",
        law=None if missing else law,
        reason=NO_LAW if missing else "",
    )


def _closed(chance: random.Random, face: str, variant: Variant, users: int, *, law: Law) -> LoadCell:
    rate = _at(law, users) * math.exp(chance.gauss(0, 0.015))
    cell = _cell(
        chance, face, variant, kind="closed", step=f"{users} user{'s' if users > 1 else ''}", level=users,
        typical=users / rate, tail=1.9, rate=rate,
    )  # fmt: skip
    if dict(variant)["cache"] == "both" and users == 32:
        return replace(cell, generator_share=0.87)
    return cell


def _open(chance: random.Random, face: str, variant: Variant, share: float, *, law: Law) -> LoadCell:
    rate = _at(law, 16) * share
    typical = 1 / law.rate.estimate / max(1 - share, 0.03) ** 0.6
    step = f"{share:.0%} of its own capacity".replace("%", " %")
    cell = _cell(chance, face, variant, kind="open", step=step, level=rate, typical=typical, tail=3.5, rate=rate)
    if share > 1 and variant == OFF:
        return _void(cell, "in every block: 1,204 arrivals were not sent: too many were under way")
    return cell


def _cell(
    chance: random.Random, face: str, variant: Variant, *, kind: str, step: str, level: float, typical: float,
    tail: float, rate: float,
) -> LoadCell:  # fmt: skip
    typical *= (1.1 if face == "graphql" else 1) * math.exp(chance.gauss(0, 0.02))
    return LoadCell(
        face=face,
        variant=variant,
        kind=kind,
        step=step,
        level=level,
        state="measured",
        requests=int(rate * 5.2) + 40,
        failed=1 if chance.random() < 0.1 else 0,
        late=2,
        offered=0.0 if kind == "closed" else rate,
        achieved=_around(rate * 0.997, by=0.02),
        p50=_around(typical, by=0.03),
        p95=_around(typical * tail * 0.6, by=0.08),
        p99=_around(typical * tail, by=0.15),
        service_p50=_around(typical, by=0.02),
        service_p99=_around(typical * 1.4, by=0.1),
        quantiles=tuple((share, typical * (0.8 + tail * share**9)) for share in (0.5, 0.9, 0.95, 0.99, 1.0)),
        cpu=(
            ("server", _around(typical * 0.41, by=0.02)),
            ("PostgreSQL", _around(typical * 0.22, by=0.03)),
            ("generator", _around(0.00061, by=0.05)),
        ),
        generator_share=0.18,
        lateness=0.0007,
    )


def _void(cell: LoadCell, reason: str) -> LoadCell:
    return LoadCell(
        face=cell.face, variant=cell.variant, kind=cell.kind, step=cell.step, level=cell.level, state="void",
        reason=reason,
    )  # fmt: skip


def _moment(number: int) -> Moment:
    """A slice: the service stops in the twentieth, and answers nothing for two."""
    waited = 0.66 - 0.09 * (number - 20) if 20 <= number < 27 else 0.0
    gone = number in {20, 21}
    return Moment(
        at=number / 3,
        offered=66 + number % 5,
        right=0 if gone else 66 + number % 5,
        failed=16 if gone else 0,
        median=0.0 if gone else 0.0031 + waited * 0.7 + 0.0002 * (number % 3),
        p99=0.0 if gone else 0.0072 + waited + 0.0011 * (number % 4),
        most=0.0 if gone else 0.0091 + waited * 1.2 + 0.002 * (number % 7),
    )
