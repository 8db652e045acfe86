"""A design asks for the comparisons that its kinds of effect name, over cells that it has."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest

from lab.contrasts import Contrast, contrasts
from lab.experiment import Arm, Experiment, Knob
from lab.requests import request_headers
from tests.fakes import KNOBS, SERVERS

OPERATIONS = ("list", "search", "detail")


@dataclass(frozen=True)
class Asked:
    """A request, as far as headers are concerned."""

    method: str = "GET"
    path: str = "/"
    body: bytes | None = None
    content_type: str | None = None
    follow: None = None
    is_prelude: bool = False


def of_kind(kind: str, experiment: Experiment = KNOBS, *, operations: Sequence[str] = OPERATIONS) -> list[Contrast]:
    """The experiment's contrasts of one kind."""
    return [each for each in contrasts(experiment, operations=operations) if each.kind == kind]


def level(arm: Arm, knob: str) -> str:
    """The level of a knob at an arm."""
    return dict(arm.variant)[knob]


def held(*settings: tuple[str, str]) -> Experiment:
    """The design of four knobs with some of them held, as `--set` does."""
    names = [name for name, _ in settings]
    return replace(KNOBS, knobs=tuple(knob for knob in KNOBS.knobs if knob.name not in names), variant=settings)


@pytest.mark.parametrize(
    ("kind", "count"),
    [
        # Three uncached knobs at each of three operations through each of two faces.
        ("conditional", 3 * 6),
        # Each of them at the four settings of the other two; and the cache with the others off, and on.
        ("simple", (3 * 4 + 2) * 6),
        ("main", 4 * 6),
        # Three pairs and one triple at cache = off, and each of three with the cache.
        ("interaction", (3 + 1 + 3) * 6),
        # Cache off, cache on, all off, and all but the cache; over both faces at once.
        ("face", 4 * 3),
        ("server", 0),
    ],
)
def test_four_knobs_ask_for_so_many_of_each_kind(kind: str, count: int) -> None:
    """The counts follow from the design alone."""
    assert len(of_kind(kind)) == count


def test_one_server_without_knobs_asks_how_the_faces_compare() -> None:
    """GraphQL against REST, once an operation; with a second server the servers are compared, with one face nothing."""
    design = replace(KNOBS, knobs=(), variant=(("cache", "off"),))
    assert [(each.operation, each.given) for each in of_kind("face", design)] == [(name, "") for name in OPERATIONS]
    assert of_kind("face", SERVERS) == []
    assert contrasts(replace(design, faces=("rest",)), operations=OPERATIONS) == ()


def test_no_contrast_is_asked_for_twice() -> None:
    """Operation, face, kind, subject and condition name one contrast."""
    names = Counter((c.operation, c.face, c.kind, c.subject, c.given) for c in contrasts(KNOBS, operations=OPERATIONS))
    assert set(names.values()) == {1}


@pytest.mark.parametrize("experiment", [KNOBS, SERVERS, held(("cache", "off")), held(("indexes", "on"))])
def test_weights_sum_to_one_or_for_interactions_to_zero(experiment: Experiment) -> None:
    """A ratio is a mean of ratios; a ratio of ratios weighs as much above as below."""
    for contrast in contrasts(experiment, operations=OPERATIONS):
        expected = 0.0 if contrast.kind == "interaction" else 1.0
        assert sum(pair.weight for pair in contrast.pairs) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("experiment", [KNOBS, SERVERS, held(("cache", "off")), held(("indexes", "on"))])
def test_every_pair_is_of_arms_that_the_experiment_has(experiment: Experiment) -> None:
    """A contrast has one operation; both sides of its pairs are arms of the design, and differ."""
    arms = set(experiment.arms)
    for contrast in contrasts(experiment, operations=OPERATIONS):
        assert contrast.operation in OPERATIONS
        for pair in contrast.pairs:
            assert pair.candidate != pair.reference
            assert {pair.candidate, pair.reference} <= arms
            if contrast.kind != "face":
                assert {pair.candidate.face, pair.reference.face} == {contrast.face}


def test_conditional_effects_are_taken_at_cache_off_alone() -> None:
    """A knob on against off, everything else equal, over the four settings of the other two, without the cache."""
    for contrast in of_kind("conditional"):
        assert contrast.given == "cache = off"
        assert [pair.weight for pair in contrast.pairs] == [0.25] * 4
        for pair in contrast.pairs:
            assert level(pair.candidate, "cache") == level(pair.reference, "cache") == "off"
            assert {*pair.candidate.variant} ^ {*pair.reference.variant} == {
                (contrast.subject, "on"),
                (contrast.subject, "off"),
            }


def test_simple_effects_have_one_pair() -> None:
    """A knob at one full setting of the others is one cell against one other."""
    assert {len(contrast.pairs) for contrast in of_kind("simple")} == {1}


def test_main_effects_average_over_all_settings_of_the_others() -> None:
    """Over eight settings each, the cache included: half of them are warm hits."""
    for contrast in of_kind("main"):
        assert [pair.weight for pair in contrast.pairs] == [0.125] * 8
        if contrast.subject != "cache":
            assert Counter(level(pair.candidate, "cache") for pair in contrast.pairs) == {"off": 4, "both": 4}


def test_cache_is_compared_between_its_first_and_its_last_level() -> None:
    """Of four levels the design takes `off` and `both`."""
    levels = {
        (level(pair.candidate, "cache"), level(pair.reference, "cache"))
        for contrast in contrasts(KNOBS, operations=OPERATIONS)
        if contrast.subject == "cache"
        for pair in contrast.pairs
    }
    assert levels == {("both", "off")}


def test_two_way_interaction_is_the_effect_with_the_other_on_over_that_with_it_off() -> None:
    """Pairs with the second knob on weigh plus, those with it off minus; the third is averaged over."""
    (contrast,) = [
        c
        for c in of_kind("interaction", operations=["list"])
        if (c.subject, c.face) == ("select_related x indexes", "rest")
    ]
    signs = {(level(p.reference, "indexes"), p.weight) for p in contrast.pairs}
    assert signs == {("on", 0.5), ("off", -0.5)}
    assert {level(p.candidate, "select_related") for p in contrast.pairs} == {"on"}


def test_three_way_interaction_alternates_in_sign() -> None:
    """Each knob that is on beside the first turns the sign: plus where both or none is on, minus between."""
    (contrast,) = [
        c for c in of_kind("interaction", operations=["list"]) if c.subject.count(" x ") == 2 and c.face == "rest"
    ]
    signs = {(level(p.reference, "prefetch_related"), level(p.reference, "indexes")): p.weight for p in contrast.pairs}
    assert signs == {("off", "off"): 1.0, ("off", "on"): -1.0, ("on", "off"): -1.0, ("on", "on"): 1.0}


def test_faces_are_compared_at_equal_variants() -> None:
    """GraphQL over REST, with the same level of every knob."""
    for contrast in of_kind("face"):
        for pair in contrast.pairs:
            assert (pair.candidate.face, pair.reference.face) == ("graphql", "rest")
            assert pair.candidate.variant == pair.reference.variant


def test_one_face_alone_has_no_contrast_of_faces() -> None:
    """With `--faces rest` nothing is set against GraphQL."""
    assert of_kind("face", replace(KNOBS, faces=("rest",))) == []


@pytest.mark.parametrize("setting", [("cache", "off"), ("cache", "query"), ("indexes", "on"), ("indexes", "off")])
def test_a_held_knob_is_in_every_arm_and_in_no_subject(setting: tuple[str, str]) -> None:
    """`--set` fixes a knob for every cell: it is compared with nothing."""
    experiment = held(setting)
    found = contrasts(experiment, operations=OPERATIONS)
    assert all(setting in arm.variant for arm in experiment.arms)
    assert all(setting in arm.variant for c in found for p in c.pairs for arm in (p.candidate, p.reference))
    assert not any(setting[0] in contrast.subject for contrast in found)


def test_one_knob_alone_has_no_interaction() -> None:
    """With all others held there is nothing that it could depend on."""
    experiment = replace(KNOBS, knobs=(Knob(name="indexes"),), variant=(("cache", "off"),))
    assert of_kind("interaction", experiment) == []
    assert len(of_kind("conditional", experiment)) == 6


@pytest.mark.parametrize("faces", [("rest",), ("graphql",), ("rest", "graphql")])
def test_servers_are_compared_once_a_face(faces: tuple[str, ...]) -> None:
    """Without knobs there is one contrast per face: the second server over the first."""
    found = contrasts(replace(SERVERS, faces=faces), operations=["list"])
    assert [(c.kind, c.face, c.subject, c.given) for c in found] == [("server", face, "b / a", "") for face in faces]
    assert all([pair.weight for pair in contrast.pairs] == [1.0] for contrast in found)


def test_a_part_is_between_two_settings_that_are_named() -> None:
    """Each part of an experiment is one contrast a face, given what its two settings differ in among all of them."""
    settings = ((("a", "on"), ("who", "none")), (("a", "on"), ("who", "token")))
    experiment = replace(SERVERS, servers=SERVERS.servers[:1], variants=settings, parts=(("the token", 1, 0),))
    [rest] = of_kind("part", experiment, operations=["list"])
    assert (rest.face, rest.subject, rest.given) == ("rest", "the token", "token / none")
    assert [(level(pair.candidate, "who"), level(pair.reference, "who")) for pair in rest.pairs] == [("token", "none")]
    assert of_kind("server", experiment) == []


def test_credentials_are_the_clients_to_turn() -> None:
    """Who asks is said by the request's own header, and is no knob that the server hears of."""
    arm = Arm(server="a", face="rest", variant=(("indexes", "on"), ("credentials", "token")))
    nobody = replace(arm, variant=(("credentials", "none"),))
    given = {"token": ("Authorization", "Bearer x")}
    request = Asked()
    assert request_headers(request, arm=arm, credentials=given) == {
        "Accept": "application/json", "Lab-Variant": "indexes=on", "Authorization": "Bearer x",
    }  # fmt: skip
    assert "Authorization" not in request_headers(request, arm=nobody, credentials=given)


def test_a_setting_of_one_face_alone_is_compared_there_alone() -> None:
    """The other face has neither an arm with it nor a part of it, and narrowed to that face its names say less."""
    settings = ((("a", "off"), ("by", "rows")), (("a", "on"), ("by", "rows")), (("a", "on"), ("by", "batches")))
    experiment = replace(
        SERVERS, servers=SERVERS.servers[:1], variants=settings, limited=((2, "graphql"),),
        parts=(("a", 1, 0), ("batches", 2, 1)), faces=("rest", "graphql"),
    )  # fmt: skip
    assert Counter(arm.face for arm in experiment.arms) == {"rest": 2, "graphql": 3}
    found = of_kind("part", experiment, operations=["list"])
    assert [(each.face, each.subject, each.given) for each in found] == [
        ("rest", "a", "a, rows / rows"),
        ("graphql", "a", "a, rows / rows"),
        ("graphql", "batches", "a, batches / a, rows"),
    ]
    [alone] = of_kind("part", replace(experiment, faces=("rest",)), operations=["list"])
    assert alone.given == "a / all off"


def test_how_a_page_is_asked_for_is_the_clients_to_turn() -> None:
    """No server hears of it; without that knob there is no choice."""
    arm = Arm(server="a", face="rest", variant=(("indexes", "on"), ("paging", "keyset")))
    assert (arm.paging, arm.levels) == ("keyset", "indexes=on")
    assert replace(arm, variant=(("indexes", "on"),)).paging == ""
