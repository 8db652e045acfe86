"""A study of caches says what was planted in its samples, and its plan asks what it says."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.arrivals import due_times
from lab.caching_derive import derive_caching, study_caching
from lab.caching_findings import CachingFindings, HitRate, Mix
from lab.caching_model import most_writes, zipf
from lab.caching_plan import LEAST_LIVES, LEAST_MIX_SECONDS, fitted
from lab.caching_words import answer, pays_until
from lab.conclude import conclude
from lab.experiment import CachingDesign
from lab.findings import Interval
from lab.over_blocks import around, mean_over, quantile_over, ratio_of
from lab.recorder import MAGIC, frame, read_samples
from lab.results import RunFolder
from tests.fake_caching import EXPERIMENT, HIT, MISS, OFF, FakeCaching

PLAN = FakeCaching().plan


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A whole run."""
    return FakeCaching(slower={0: 0.9, 2: 1.1}).make(tmp_path_factory.mktemp("caching") / "run")


@pytest.fixture(scope="module")
def found(folder: RunFolder) -> CachingFindings:
    """What it found."""
    return derive_caching(folder)


def estimates(value: Interval | None) -> float:
    """An interval's estimate, which is there."""
    assert value is not None
    assert value.low <= value.estimate <= value.high
    return value.estimate


def test_hit_rates_agree_with_the_model_and_with_the_replay(found: CachingFindings) -> None:
    """At four exponents, for three levels, all faces together and each alone; a cache without faults is the replay."""
    assert [each.exponent for each in found.exponents] == [0.6, 0.8, 1.0, 1.2]
    assert len(found.rates) == 4 * 3 * 3
    for each in (*found.exponents, *found.rates):
        assert each.replayed == pytest.approx(each.share, abs=0.004)
    # Some 3,600 requests each: chance makes less than a point.
    assert all(abs(each.apart) < 0.02 for each in found.exponents)
    assert found.exponents[0].share < found.exponents[-1].share
    total = sum(each.requests for each in found.exponents)
    assert total == sum(each.requests for each in found.rates if not each.face)
    assert total == sum(each.requests for each in found.rates if each.face)


def test_classes_have_the_times_that_were_planted(found: CachingFindings) -> None:
    """Medians over blocks of 0.9, 1 and 1.1 times as long; without a cache there is one class."""
    times = {(each.level, each.face, each.kind): estimates(each.p50) for each in found.classes}
    assert times["off", "rest", "no cache"] == pytest.approx(OFF / 1e3, rel=1e-6)
    assert times["view", "graphql", "hit"] == pytest.approx(HIT / 1e3, rel=1e-6)
    assert times["both", "rest", "miss"] == pytest.approx(MISS / 1e3, rel=1e-6)
    assert {kind for level, _, kind in times if level == "query"} == {"hit", "part", "miss"}
    for level in ("query", "view", "both"):
        own = [each for each in found.classes if (each.level, each.face) == (level, "rest")]
        assert sum(estimates(each.share) for each in own) == pytest.approx(1.0)


def test_the_first_request_for_a_key_is_cold_and_others_are_warm(found: CachingFindings) -> None:
    """One by one, a miss and then hits; the interval is that of blocks which differ by a tenth."""
    means = {(each.level, each.face, each.kind): each for each in found.passes}
    assert estimates(means["view", "rest", "cold"].mean) == pytest.approx(MISS / 1e3, rel=0.01)
    assert estimates(means["view", "rest", "warm"].mean) == pytest.approx(HIT / 1e3, rel=0.01)
    assert estimates(means["off", "graphql", "no cache"].mean) == pytest.approx(OFF / 1e3, rel=0.01)
    assert means["view", "rest", "cold"].requests == 3 * PLAN.keys
    assert ("off", "rest", "cold") not in means


def test_writes_lower_the_hit_rate_and_raise_the_time(found: CachingFindings) -> None:
    """Without writes all hit, since all keys were asked for before; levels and the replay agree."""
    mixes = {(each.level, each.face, each.writes): each for each in found.mixes}
    for level in ("view", "both"):
        hits = [estimates(mixes[level, "rest", writes].hits) for writes in (0.0, 0.01, 0.1)]
        ratios = [estimates(mixes[level, "rest", writes].ratio) for writes in (0.0, 0.01, 0.1)]
        assert hits[0] == 1.0
        assert hits == sorted(hits, reverse=True)
        assert ratios[0] == pytest.approx(HIT / OFF, rel=0.01)
        assert ratios == sorted(ratios)
        for share, writes in zip(hits, (0.0, 0.01, 0.1), strict=True):
            assert mixes[level, "rest", writes].replayed == pytest.approx(share, abs=0.01)
    assert mixes["off", "rest", 0.1].hits is None
    assert mixes["off", "rest", 0.1].ratio is None


def test_a_cache_pays_from_the_hit_rate_that_its_times_give(found: CachingFindings) -> None:
    """A miss takes 5 ms, a hit 1, a request without a cache 4: a quarter must hit."""
    needed = (MISS - OFF) / (MISS - HIT)
    assert len(found.worths) == 6
    for each in found.worths:
        assert estimates(each.needed) == pytest.approx(needed, rel=0.02)
        shares = zipf(PLAN.keys, exponent=PLAN.design.usual)
        assert each.writes == most_writes(shares, needed=each.needed.estimate, faces=2)


def test_costs_and_memory_are_per_request_and_per_answer(found: CachingFindings) -> None:
    """CPU seconds over all requests; bytes over all answers."""
    assert {(each.level, each.writes) for each in found.costs} == {
        (level, writes) for level in found.levels for writes in (0.0, 0.01, 0.1)
    }
    assert all(estimates(each.server) == pytest.approx(0.002) for each in found.costs)
    assert all(estimates(each.postgres) == pytest.approx(0.001) for each in found.costs)
    assert [(each.level, each.body, each.stored, each.memory) for each in found.memories[:3]] == [
        (level, 300.0, 316.0, 500.0) for level in ("query", "view", "both")
    ]


def test_a_file_that_ends_with_a_whole_frame_is_held_against_its_report(tmp_path: Path) -> None:
    """Its trials count for nothing, and say which file it was."""
    folder = FakeCaching().make(tmp_path / "run")
    path = min(folder.samples.glob("*.samples"))
    rows, _ = read_samples(path)
    path.write_bytes(MAGIC + frame(rows[:-1]))
    found = derive_caching(folder)
    assert found.trials_counted < found.trials
    assert any(f"{path.name} has {len(rows) - 1} of the {len(rows)} samples" in void.reason for void in found.voids)


def test_the_page_shows_every_table_and_curve(folder: RunFolder) -> None:
    """Rows fit their columns; what the answer says stands in the console's findings too."""
    study = study_caching(folder)
    assert study.complete
    assert [table.identifier for table in study.tables] == [
        "hit-rates", "classes", "cold-and-warm", "mixes", "costs", "worth", "memory",
    ]  # fmt: skip
    for table in study.tables:
        assert {len(row) for row in table.rows} == {len(table.columns)}
    page = conclude(folder).read_text()
    assert all(table.title in page for table in study.tables)
    for curve in study.curves:
        assert f"study-{curve.identifier}" in page
    assert folder.findings.answer == study.answer
    assert folder.findings.complete


def test_the_answer_says_what_a_hit_takes_and_whether_the_model_holds(found: CachingFindings) -> None:
    """Popularity, then face by face a hit and a miss, then writes, memory, and how much of it counts."""
    popular, rest, graphql, *written, pays, memory, trust = answer(found)
    assert rest.startswith("REST at 80.0 requests/s (medians): 4.00 ms [")
    assert "; view 1.00 ms [" in rest
    assert "] for a hit and 5.00 ms [" in graphql
    assert popular.startswith("At Zipf's exponent 1, ")
    assert " of requests hit (model " in popular
    assert len(written) == 2
    assert written[0].startswith("REST with 10 % writes, a read's time over that without a cache: query ")
    assert " hit; it pays until 1 % writes and " in written[0]
    assert pays.startswith("To make up for what misses cost, so many reads must hit: query by REST 25.0 % (up to ")
    assert memory == (
        "In the store an answer of 300 B by REST takes 500 B in query, 500 B in view, 500 B in both; "
        "an answer of 300 B by GraphQL takes 500 B in query, 500 B in view, 500 B in both."
    )
    # A part for popularity and one for each of four variants, each with two singles and three mixes.
    assert trust == "72 of 72 trials count, in 3 of 3 blocks; 640 answers compared before timing, all equal."


def test_a_wrong_answer_makes_its_trial_void(tmp_path: Path) -> None:
    """It counts for nothing, the note says why, and the other blocks still give what they gave."""
    broken = frozenset({(0, "popular")})
    found = derive_caching(FakeCaching(wrong=broken).make(tmp_path / "run"))
    assert (found.trials, found.trials_counted) == (72, 68)
    assert "4 of 72 trials count for nothing; a table gives each one's reason." in found.notes
    assert {(void.block, void.kind, void.level) for void in found.voids} == {
        (0, "popular", level) for level in ("off", "query", "view", "both")
    }
    assert all(" answers were wrong or missing" in void.reason for void in found.voids)
    assert {each.measured.blocks for each in found.exponents if each.measured} == {2}


def test_a_run_that_ended_early_says_so(tmp_path: Path) -> None:
    """One block of three has no intervals; without any nothing is answered, and nothing breaks."""
    for blocks in (1, 0):
        folder = FakeCaching(blocks=blocks, memory=None).make(tmp_path / str(blocks))
        study = study_caching(folder)
        assert not study.complete
        assert study.notes[0].startswith(f"The run ended after {blocks} of 3 blocks")
        assert conclude(folder).exists()
    assert study.answer == ("The question cannot be answered: no trial counts.",)


def test_one_face_alone_has_no_rows_for_all_faces(tmp_path: Path) -> None:
    """Each exponent and level once; its line is drawn."""
    experiment = replace(EXPERIMENT, faces=("rest",))
    study = study_caching(FakeCaching(experiment=experiment).make(tmp_path / "run"))
    assert len(study.tables[0].rows) == 4 + 4 * 3
    assert [line.name for line in study.curves[0].lines] == ["query", "view", "both", "model"]


def mix(writes: float, *, low: float, high: float) -> Mix:
    """A mix whose ratio has these ends."""
    ratio = Interval(estimate=(low + high) / 2, low=low, high=high, blocks=4)
    return Mix(
        level="view", face="rest", writes=writes, requests=100, hits=ratio, replayed=0.5, mean=None, p50=None, p99=None,
        ratio=ratio,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("ends", "said"),
    [
        (((0.2, 0.3), (0.4, 0.5), (0.8, 0.9)), "pays at every share of writes that was tried, up to 10 %"),
        (((0.2, 0.3), (0.4, 0.5), (0.9, 1.1)), "pays until 1 % writes and does not surely pay with 10 %"),
        (((0.2, 0.3), (1.1, 1.2), (1.3, 1.4)), "pays until 0 % writes and costs with 1 %"),
        (((0.9, 1.1), (1.1, 1.2), (1.3, 1.4)), "does not surely pay even with 0 % writes"),
        ((), "was not compared"),
    ],
)
def test_it_is_said_until_where_a_cache_pays(ends: tuple[tuple[float, float], ...], said: str) -> None:
    """By the upper end of its interval, share by share, in whatever order they come."""
    mixes = [mix(writes, low=low, high=high) for writes, (low, high) in zip((0.0, 0.01, 0.1), ends, strict=False)]
    assert pays_until(mixes[::-1]) == said


@settings(max_examples=25)
@given(block=st.integers(0, 50), variant=st.integers(0, 3))
def test_every_line_of_a_trial_belongs_to_its_variant(block: int, variant: int) -> None:
    """Reads of both faces, of the trial's own face where one is asked, and writes where there are some."""
    arms, writes = 8, 64
    for what in (*PLAN.popular(block), *PLAN.mixes(block, variant)):
        sequence = np.array(PLAN.trial(block, what, writes=writes).sequence)
        reads = sequence[sequence < arms * PLAN.keys] // PLAN.keys
        others = sequence[sequence >= arms * PLAN.keys] - arms * PLAN.keys
        assert {arm % 4 for arm in reads.tolist()} == {what.variant}
        faces = {PLAN.faces[arm // 4] for arm in reads.tolist()}
        assert faces == ({what.face} if what.face else set(PLAN.faces))
        assert set((others // (writes // 4)).tolist()) <= {what.variant}
        assert (len(others) > 0) == (what.writes > 0)
        assert len(others) / len(sequence) == pytest.approx(what.writes, abs=0.06)


def test_mixes_are_the_same_for_all_variants_and_popularity_is_not() -> None:
    """Keys, faces, writes and arrivals of a mix differ by the variant's lines alone; another block has others."""
    first, second = (PLAN.mixes(1, variant) for variant in (0, 3))
    for one, other in zip(first, second, strict=True):
        here, there = PLAN.trial(1, one, writes=64), PLAN.trial(1, other, writes=64)
        assert here.arrivals == there.arrivals
        moved = np.array(there.sequence) - np.array(here.sequence)
        assert set(moved.tolist()) <= {3 * PLAN.keys, 3 * 16}
    arrivals = [PLAN.trial(1, what).arrivals for what in PLAN.popular(1)]
    assert len(set(arrivals)) == 4
    again = PLAN.trial(2, PLAN.mixes(2, 0)[-1], writes=64)
    assert again.arrivals != PLAN.trial(1, first[-1], writes=64).arrivals


def test_keys_come_up_as_their_exponents_say() -> None:
    """Each exponent has a part of the keys of its own; the first key of a part comes up most, by Zipf's law."""
    plan = replace(PLAN, design=replace(PLAN.design, seconds=400.0))
    sequence = np.array(plan.trial(0, plan.popular(0)[0]).sequence) % plan.keys
    parts = sequence // plan.part_keys
    for number, exponent in enumerate(plan.design.exponents):
        ranks = sequence[parts == number] % plan.part_keys
        seen = np.bincount(ranks, minlength=plan.part_keys) / len(ranks)
        assert seen == pytest.approx(zipf(plan.part_keys, exponent=exponent), abs=0.015)
        assert len(ranks) / len(sequence) == pytest.approx(0.25, abs=0.02)


def test_sequences_suffice_for_their_arrivals() -> None:
    """No key is drawn twice: there are more of them than arrivals."""
    for what in (*PLAN.popular(0), *PLAN.mixes(0, 1)):
        trial = PLAN.trial(0, what, writes=64)
        if trial.arrivals:
            assert len(due_times(trial.arrivals)) < len(trial.sequence)


@given(budget=st.floats(min_value=10.0, max_value=4000.0))
def test_a_budget_is_kept_unless_trials_would_mean_nothing(budget: float) -> None:
    """Trials are longer or shorter in proportion, and never shorter than some lives of an answer."""
    plan = fitted(PLAN, budget=budget)
    least = plan.design.seconds == LEAST_LIVES or plan.design.mix_seconds == LEAST_MIX_SECONDS
    assert least or plan.total_seconds == pytest.approx(budget)
    assert plan.design.seconds >= LEAST_LIVES * plan.design.seconds_to_live
    assert plan.design.mix_seconds >= LEAST_MIX_SECONDS
    assert fitted(PLAN, budget=None) is PLAN


def test_variants_take_turns_in_being_first() -> None:
    """Every block has all of them, in an order of its own."""
    orders = {PLAN.order(block) for block in range(20)}
    assert all(sorted(order) == [0, 1, 2, 3] for order in orders)
    assert len(orders) > 5


def test_intervals_hold_what_blocks_give() -> None:
    """Below two blocks there is none; a share ends at one; the estimate is that of all values together."""
    blocks = [np.array([1.0, 2.0]), np.array([4.0])]
    assert mean_over(blocks[:1]) is None
    assert estimates(mean_over(blocks)) == pytest.approx(7 / 3)
    assert estimates(quantile_over(blocks, share=0.5)) == 2.0
    assert estimates(mean_over([*blocks, np.zeros(0)])) == pytest.approx(7 / 3)
    bounded = around(0.9, [0.8, 1.0], most=1.0)
    assert bounded is not None
    assert (bounded.low, bounded.high) == (0.0, 1.0)
    assert estimates(ratio_of([(1.0, 2.0), (2.0, 4.0)])) == pytest.approx(0.5)
    assert ratio_of([(1.0, 2.0)]) is None


def test_apart_is_measured_less_model() -> None:
    """A share, with its sign."""
    rate = HitRate(
        exponent=1.0, level="view", face="", requests=10, measured=None, share=0.5, model=0.6, replayed=0.5
    )  # fmt: skip
    assert rate.apart == pytest.approx(-0.1)


def test_designs_without_writes_are_answered_too(tmp_path: Path) -> None:
    """One share of writes, none: the answer has no word of more."""
    design = CachingDesign(rate=60.0, seconds=10.0, mix_seconds=4.0, blocks=2, write_shares=(0.0,))
    study = study_caching(FakeCaching(experiment=replace(EXPERIMENT, caching=design), blocks=2).make(tmp_path / "run"))
    assert any("pays at every share of writes that was tried, up to 0 %" in line for line in study.answer)
