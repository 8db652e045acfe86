"""Numbers and sentences say what was found, at the precision that people read."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab import answer_words, units, wording
from lab.derive import derive
from lab.findings import Effect, Findings, Interval
from tests.fakes import KNOBS, SERVERS, FakeRun, by_knobs, by_server

NUMBER = re.compile(r"[\d,]+(?:\.\d+)?")
SIZES = {"s": 1.0, "ms": 1e-3, "µs": 1e-6, "B": 1.0, "kB": 1e3, "MB": 1e6, "GB": 1e9}


def value(text: str) -> float:
    """What a number with a unit says."""
    number, unit = text.split()
    return float(number.replace(",", "")) * SIZES[unit]


def ratio(estimate: float, low: float, high: float) -> Interval:
    """A ratio over eight blocks."""
    return Interval(estimate=estimate, low=low, high=high, blocks=8)


def effect(kind: str, typical: Interval, verdict: str, *, detail: str = "") -> Effect:
    """An effect on the product list."""
    return Effect(
        operation="list", face="rest", kind=kind, subject="indexes", given="cache = off", typical=typical,
        verdict=verdict, detail=detail,
    )  # fmt: skip


@given(st.floats(1e-6, 1e5))
def test_seconds_have_three_significant_digits(seconds: float) -> None:
    """What is printed is within half a percent of what was measured."""
    assert value(units.seconds(seconds)) == pytest.approx(seconds, rel=0.005)


@given(st.floats(100, 1e11))
def test_sizes_have_three_significant_digits(size: float) -> None:
    """Bytes, kB, MB and GB alike, in powers of ten."""
    assert value(units.size(size)) == pytest.approx(size, rel=0.005)


@given(st.floats(1e-6, 1e6))
def test_ratios_have_three_significant_digits(value: float) -> None:
    """From a millionth to a million."""
    assert float(units.ratio(value).replace(",", "")) == pytest.approx(value, rel=0.005)


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        (units.seconds(1.2345), "1.23 s"),
        (units.seconds(0.0124), "12.4 ms"),
        (units.seconds(0.000124), "124 µs"),
        (units.seconds(0.0), "0 s"),
        (units.size(812), "812 B"),
        (units.size(12_400), "12.4 kB"),
        (units.ratio(0.4123), "0.412"),
        (units.ratio(1e-9), "0"),
        (units.ratio(1e9), "∞"),
        (units.times(1 / 12.4), "12.4x faster"),
        (units.times(1.31), "1.31x slower"),
        (units.times(0.955), "4.5 % faster"),
        (units.count(1_210_200), "1,210,200"),
    ],
)
def test_units_read_as_they_say(printed: str, expected: str) -> None:
    """The examples of the docstrings, and the ends."""
    assert printed == expected


@pytest.mark.parametrize(
    ("interval", "printed"),
    [
        # A difference near one is a percentage, a larger one so many times; what spans one has signs.
        (ratio(0.08, 0.078, 0.0826), "12.5x faster [12.1x, 12.8x]"),
        (ratio(1.31, 1.25, 1.38), "1.31x slower [1.25x, 1.38x]"),
        (ratio(1.06, 1.04, 1.08), "6.0 % slower [4.0 %, 8.0 %]"),
        (ratio(0.955, 0.94, 0.97), "4.5 % faster [3.0 %, 6.0 %]"),
        (ratio(1.004, 0.99, 1.018), "+0.4 % [-1.0 %, +1.8 %]"),
        (ratio(0.996, 0.982, 1.01), "-0.4 % [-1.8 %, +1.0 %]"),
    ],
)
def test_an_interval_is_in_percent_near_one_and_in_times_beyond(interval: Interval, printed: str) -> None:
    """Both ends have the form of the estimate, the smaller change first."""
    assert wording.times_interval(interval) == printed


@pytest.mark.parametrize(
    ("variant", "name"),
    [
        ((("a", "off"), ("b", "off")), "all off"),
        ((("a", "on"), ("cache", "both")), "all on"),
        ((("a", "on"), ("b", "off")), "a"),
        ((("a", "on"), ("b", "on"), ("cache", "off")), "a + b"),
        ((("a", "off"), ("cache", "query")), "cache query"),
    ],
)
def test_a_variant_is_one_phrase(variant: tuple[tuple[str, str], ...], name: str) -> None:
    """All off, all on, or what is on."""
    assert wording.variant_name(variant) == name


def test_an_effect_is_one_sentence() -> None:
    """Where, what, given what, by how much, and the verdict with its detail."""
    said = wording.effect_sentence(effect("server", ratio(1.31, 1.25, 1.38), "slower", detail="in total"))
    assert "indexes at cache = off is 1.31x slower [1.25x, 1.38x]: slower in total" in said
    said = wording.effect_sentence(effect("interaction", ratio(0.8, 0.75, 0.85), "faster"))
    assert said.endswith("is a ratio of ratios of 0.800 [0.750, 0.850]")


@pytest.fixture(scope="module")
def toggles(tmp_path_factory: pytest.TempPathFactory) -> Findings:
    """Findings of all 96 cells, where all knobs together make a request ten times faster."""
    true = by_knobs(0.02, ratios={"select_related": 0.5, "prefetch_related": 0.8})
    return derive(FakeRun(experiment=KNOBS, seconds=true, rounds=8).make(tmp_path_factory.mktemp("run") / "run"))


def test_the_answer_is_ten_lines_of_which_the_first_answers(toggles: Findings) -> None:
    """The whole gain comes first, then each operation through each face, statements, and what to trust."""
    assert len(toggles.answer) <= 10
    assert toggles.answer[0].startswith("All 4 knobs together")
    gains = [float(NUMBER.findall(part)[-1]) for part in toggles.answer[0].split("x faster")[:-1]]
    assert gains
    assert all(gain == pytest.approx(10.0, rel=0.05) for gain in gains)
    for operation in ("list", "search", "detail"):
        named = [line for line in toggles.answer if line.startswith(f"{operation}, ") and "all off, " in line]
        assert len(named) == 2
        assert all("at cache = off: select_related " in line for line in named)


def test_statements_have_their_sentence(toggles: Findings) -> None:
    """41 lazily; each of two knobs saves 20; both together leave one."""
    (line,) = [line for line in toggles.answer if "lazily" in line]
    assert "costs 41 statements a page; " in line
    assert "prefetch_related removes 20, select_related removes 20, both together leave 1." in line


def test_no_sentence_about_statements_where_none_are_saved(toggles: Findings) -> None:
    """Without evidence nothing is said of statements."""
    cells = [replace(cell, cold=None) for cell in toggles.cells]
    said = answer_words.answer(
        knobs=toggles.knobs, cells=cells, effects=toggles.effects, proofs=toggles.proofs, blocks=toggles.blocks
    )
    assert not any("lazily" in line for line in said)


@pytest.mark.parametrize("ratio", [1.0, 1.2])
def test_servers_are_answered_in_the_first_line(tmp_path: Path, ratio: float) -> None:
    """The same, with the widest bound; or a difference, with the effect."""
    true = by_server(0.02, ratio=ratio)
    fake = FakeRun(experiment=SERVERS, seconds=true, fresh=true, rounds=60)
    head = derive(fake.make(tmp_path / "run")).answer[0]
    assert head.startswith("The same: all 1 comparisons" if ratio == 1.0 else "A difference in 1 of 1 comparisons: ")


def test_nothing_measured_is_said_so(toggles: Findings) -> None:
    """Without times the first line says that there is no answer."""
    cells = [replace(cell, service=None) for cell in toggles.cells]
    said = answer_words.answer(knobs=toggles.knobs, cells=cells, effects=(), proofs=(), blocks=())
    assert said[0].startswith("The question cannot be answered")
    assert answer_words.answer(knobs=(), cells=(), effects=(), proofs=(), blocks=())[0].startswith(
        "The question cannot"
    )


@pytest.mark.parametrize(
    ("verdict", "detail", "said"),
    [
        ("faster", "", "GraphQL is 2.00x faster [1.82x, 2.22x] than REST"),
        ("same", "", "GraphQL takes the same time as REST, 2.00x faster"),
        ("unclear", "", "which face is faster is unclear, GraphQL is 2.00x faster"),
        ("slower", "in total", "GraphQL is 1.30x slower [1.20x, 1.40x] than REST in total"),
        ("slower", "for some requests", "GraphQL is slower for some requests than REST, for the typical one 2.00x"),
    ],
)
def test_faces_are_compared_by_the_number_that_the_verdict_is_about(verdict: str, detail: str, said: str) -> None:
    """Faster, the same, unclear, or slower for what does not show in the typical request."""
    found = replace(
        effect("face", ratio(0.5, 0.45, 0.55), verdict, detail=detail), face="", given="", total=ratio(1.3, 1.2, 1.4)
    )
    [line, *_] = answer_words.answer(knobs=(), cells=(), effects=(found,), proofs=(), blocks=())
    assert line.startswith(f"list: {said}")


@pytest.mark.parametrize(
    ("variant", "expected"),
    [
        ((("a", "off"), ("b", "off"), ("way", "rows"), ("held", "on")), "rows"),
        ((("a", "on"), ("b", "off"), ("way", "rows"), ("held", "on")), "a, rows"),
        ((("a", "on"), ("b", "on"), ("way", "batches"), ("held", "on")), "a + b, batches"),
    ],
)
def test_a_variant_is_named_by_what_differs(variant: tuple[tuple[str, str], ...], expected: str) -> None:
    """Switches by those that are on, others by their level; what all have in common is not said."""
    among = [
        (("a", "off"), ("b", "off"), ("way", "rows"), ("held", "on")),
        (("a", "on"), ("b", "on"), ("way", "batches"), ("held", "on")),
    ]
    assert wording.varied_levels(variant, among=among) == expected


def test_a_variant_of_switches_alone_has_a_name_where_none_is_on() -> None:
    """Else its cell would have none."""
    among = [(("a", "off"), ("b", "off")), (("a", "on"), ("b", "off"))]
    assert [wording.varied_levels(each, among=among) for each in among] == ["all off", "a"]
    assert wording.varied_levels(among[0], among=among[:1]) == ""
