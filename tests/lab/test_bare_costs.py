"""What a request costs a server is set against what its face's bare view costs in the same blocks."""

from dataclasses import replace

import pytest

from lab.bare_costs import costs
from lab.experiment import ANSWER, Arm
from lab.latency import Latencies
from lab.load_findings import LoadCell, LoadFindings
from lab.load_plan import ArmLoad
from lab.load_seen import Seen
from lab.trial import ShareReport, TrialReport
from lab.wording import load_answer

ARMS = tuple(
    Arm(server="target", face=face, variant=(("cache", "view"), (ANSWER, answer)))
    for face in ("rest", "graphql")
    for answer in ("bare", "hit")
)
BARE, HIT, GRAPHQL_BARE, GRAPHQL_HIT = range(4)


def load(arm: int, *, step: str = "1 user") -> ArmLoad:
    """One user of an arm."""
    return ArmLoad(arm=arm, kind="closed", step=step, level=1, warm_seconds=0.2, seconds=4.0)


def seen(cpu: float, *, requests: int = 1000, reasons: tuple[str, ...] = ()) -> Seen:
    """A trial in which the server took so many CPU seconds a request."""
    share = ShareReport(requests=requests, unsent=0, failures=0, cpu_seconds=0.1, response="", service="")
    trial = TrialReport(
        seconds=4.2, shares=(share,), cpu=(("PostgreSQL", 9.0), ("target", cpu * requests)), kernels=(1, 1), steal=0.0,
        pressure=0.0,
    )  # fmt: skip
    return Seen(latencies=Latencies(), trial=trial, throughput=1.0, reasons=reasons)


def test_each_block_gives_a_ratio_of_its_own() -> None:
    """Blocks of a slow machine and of a quick one agree where both arms are slow and quick together."""
    luck = (1.0, 1.5, 0.8)
    found = costs(
        {
            load(HIT): [seen(0.0003 * each, requests=2000) for each in luck],
            load(BARE): [seen(0.0002 * each, requests=3000) for each in luck],
            load(GRAPHQL_HIT): [seen(0.0008 * each) for each in luck],
            load(GRAPHQL_BARE): [seen(0.0002 * each) for each in luck],
        },
        arms=ARMS,
    )
    assert [(each.face, dict(each.variant)[ANSWER], each.step) for each in found] == [
        ("rest", "hit", "1 user"), ("graphql", "hit", "1 user"),
    ]  # fmt: skip
    assert [each.ratio.estimate for each in found] == [pytest.approx(1.5), pytest.approx(4.0)]
    assert [each.ratio.high - each.ratio.low for each in found] == [pytest.approx(0.0, abs=1e-9)] * 2
    assert found[0].seconds.estimate == pytest.approx(0.0003 * 1.1)
    assert found[0].bare.estimate == pytest.approx(0.0002 * 1.1)
    assert found[0].spent == pytest.approx(0.0002 * 3000 * 3.3)


def test_a_block_counts_where_both_of_its_trials_do() -> None:
    """A void trial, or one that did not come to its turn, takes its partner with it."""
    void = seen(9.0, reasons=("the generator took 70 % of a core",))
    found = costs(
        {
            load(HIT): [seen(0.0003), void, seen(0.0003), seen(0.0003), None],
            load(BARE): [seen(0.0002), seen(0.0002), None, seen(0.0002), seen(0.0002)],
        },
        arms=ARMS,
    )
    [cost] = found
    assert cost.ratio.estimate == pytest.approx(1.5)
    assert cost.ratio.blocks == 2


@pytest.mark.parametrize(
    "blocks",
    [
        {load(HIT): [seen(0.0003)] * 4},
        {load(HIT): [seen(0.0003)] * 4, load(GRAPHQL_BARE): [seen(0.0002)] * 4},
        {load(HIT): [seen(0.0003)] * 4, load(BARE, step="2 users"): [seen(0.0002)] * 4},
        {load(HIT): [seen(0.0003)], load(BARE): [seen(0.0002)]},
        {load(HIT): [seen(0.0)] * 4, load(BARE): [seen(0.0)] * 4},
    ],
    ids=["no bare view", "another face's", "another load", "one block", "no CPU time known"],
)
def test_without_a_partner_nothing_is_said(blocks: dict[ArmLoad, list[Seen | None]]) -> None:
    """A cost has its bare view of the same face and load, in two blocks at least."""
    assert costs(blocks, arms=ARMS) == ()


def test_the_answer_begins_with_what_a_hit_costs() -> None:
    """The ratio with its interval, both times, and over how much work."""
    [cost] = costs(
        {load(HIT): [seen(0.0003), seen(0.0003)], load(BARE): [seen(0.0002), seen(0.0002)]}, arms=ARMS
    )  # fmt: skip
    cells = tuple(
        LoadCell(face="rest", variant=arm.variant, kind="closed", step="1 user", level=1, state="void")
        for arm in ARMS[:2]
    )
    found = LoadFindings(walk="first_page", server="granian", cells=cells, scalabilities=(), costs=(cost,))
    said = "REST, 1 user: a hit takes 1.500 [1.500, 1.500] times the server's CPU of a bare view with as many bytes, "
    assert load_answer(found, proofs=())[0] == f"{said}300 µs against 200 µs, over 400 ms of it."
    assert load_answer(replace(found, costs=()), proofs=())[0].startswith("The question cannot be answered")


def test_no_server_hears_who_answers() -> None:
    """The knob is the lab's own: it stands in no header."""
    assert [arm.is_bare for arm in ARMS] == [True, False, True, False]
    assert {arm.levels for arm in ARMS} == {"cache=view"}
