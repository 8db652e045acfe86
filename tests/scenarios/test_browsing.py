import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.sizes import SIZES
from scenarios.operations.browsing import BROWSING, FIRST_PAGE, Walk
from scenarios.operations.catalog import PRODUCT_DETAIL, PRODUCT_LIST, PRODUCT_SEARCH, ListParameters
from tests.scenarios.locusts import ROOT, SECONDS_TO_FAIL, counts, locust, locust_at_once
from tests.targets.live import live
from tests.truth.running import truth_server

pytest_plugins = ["tests.targets.subject"]  # for a loaded dataset

STEPS = (PRODUCT_LIST, PRODUCT_SEARCH, PRODUCT_DETAIL)
NAMES = {step.name for step in STEPS}
STEADY = {"SHAPE": "steady", "SHAPE_USERS": "2", "SHAPE_SECONDS": "2"}

random_seeds = st.integers(min_value=0)
sizes = st.sampled_from(list(SIZES.values()))


@given(steps=st.lists(st.sampled_from(STEPS), max_size=5).map(tuple), seed=random_seeds, size=sizes)
def test_a_session_has_every_step_once_and_in_order(steps, seed, size):
    """A walk's session yields its steps as they stand, those that come twice too."""
    walk = Walk(name="any", steps=steps)
    assert tuple(operation for operation, _ in walk.session(Random(seed), size)) == steps


@given(seed=random_seeds, size=sizes)
def test_a_session_draws_as_its_operations_do(seed, size):
    """The same seed gives the same session: what the steps' own samplers draw, one after the other."""
    random = Random(seed)
    expected = [(step, step.sample(random, size)) for step in BROWSING.steps]
    assert list(BROWSING.session(Random(seed), size)) == expected
    assert list(BROWSING.session(Random(seed), size)) == expected


def test_browsing_lists_then_searches_then_looks_at_a_product():
    """The order of a visit; the next visit of the same customer asks for something else."""
    assert (BROWSING.name, BROWSING.steps) == ("browsing", STEPS)
    random = Random(1)
    assert len({tuple(BROWSING.session(random, SIZES["small"])) for _ in range(50)}) == 50


@given(seed=random_seeds, size=sizes)
def test_the_first_page_is_asked_for_visit_after_visit(seed, size):
    """Whatever is drawn, it is one operation with one key."""
    assert list(FIRST_PAGE.session(Random(seed), size)) == [(PRODUCT_LIST, ListParameters(page=1))]


# Locust patches the standard library of the process that imports it, so shapes are asked in one of their own.
ASK_SHAPES = """
import json, sys
from lab.shapes import ProfileShape
def ticks(shape, users, seconds, times):
    asked = ProfileShape.of(shape, users=users, seconds=seconds)()
    found = []
    for at in times:
        asked.get_run_time = lambda: at
        found.append(asked.tick())
    return found
print(json.dumps([ticks(*each) for each in json.loads(sys.argv[1])]))
"""

TICKS: dict[str, tuple[int, float, dict[float, tuple[int, float] | None]]] = {
    "steady": (5, 10.0, {0.0: (5, 5.0), 9.999: (5, 5.0), 10.0: None, 11.0: None}),
    "ramp": (10, 9.0, {0.0: (1, 10.0), 0.49: (1, 10.0), 0.5: (2, 10.0), 4.5: (6, 10.0), 8.9: (10, 10.0), 9.0: None}),
    "spike": (
        4, 10.0,
        {0.0: (4, 12.0), 3.999: (4, 12.0), 4.0: (12, 12.0), 5.999: (12, 12.0), 6.0: (4, 12.0), 9.9: (4, 12.0),
         10.0: None},
    ),
    "ladder": (
        10, 5.0,
        {0.0: (2, 10.0), 0.999: (2, 10.0), 1.0: (4, 10.0), 2.0: (6, 10.0), 3.5: (8, 10.0), 4.999: (10, 10.0),
         5.0: None},
    ),
}  # fmt: skip
"""Users, seconds, and what a shape says at these seconds: users, and users per second."""


def in_own_process(script: str, given: Any) -> str:
    """What a script prints that gets `given` as JSON."""
    done = subprocess.run(
        [sys.executable, "-c", script, json.dumps(given)],
        cwd=ROOT, env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, check=False,
        timeout=SECONDS_TO_FAIL,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_shapes_have_the_levels_of_their_profiles():
    """At each time the rounded level, with a spawn rate that reaches any level within a second; None from the end."""
    asked = [(shape, users, seconds, list(told)) for shape, (users, seconds, told) in TICKS.items()]
    told: list[list[Any]] = [[each and list(each) for each in times.values()] for *_, times in TICKS.values()]
    assert json.loads(in_own_process(ASK_SHAPES, asked)) == told


@pytest.fixture(scope="module")
def api_url(service_urls, tmp_path_factory) -> Iterator[str]:
    """The real API on the small dataset, in a server of its own."""
    with live(service_urls, name="browsing", logs=tmp_path_factory.mktemp("browsing")) as url:
        yield url


@pytest.fixture(scope="module")
def ended(api_url) -> "dict[str, subprocess.CompletedProcess[str]]":
    """Three loads on the real API, which ran at the same time: each face by Locust's own options, and a shape."""
    options = ("-u", "2", "-r", "2", "-t", "10s")  # less Locust's start: gevent's clock stands while files are imported
    rest, graphql, shape = locust_at_once(
        (api_url, options, {}), (api_url, options, {"FACE": "graphql"}), (api_url, (), STEADY)
    )
    return {"rest": rest, "graphql": graphql, "shape": shape}


@pytest.mark.parametrize(("face", "method"), [("rest", "GET"), ("graphql", "POST")])
def test_locust_walks_the_real_api_without_a_failure(ended, face, method):
    """REST, the default, by GET and GraphQL by POST: every step is done, no answer is wrong, and Locust ends 0."""
    found = counts(ended[face])
    assert (ended[face].returncode, set(found)) == (0, NAMES), ended[face].stderr
    assert all(requests > 0 and failures == 0 for requests, failures in found.values()), ended[face].stderr
    assert {each["method"] for each in json.loads(ended[face].stdout)} == {method}
    assert "Shape" not in ended[face].stderr  # Locust's own options hold


def test_a_shape_ends_the_load_by_itself(ended):
    """SHAPE takes the place of -u and -t: SHAPE_USERS customers until SHAPE_SECONDS are over, then Locust ends 0."""
    done = ended["shape"]
    assert (done.returncode, set(counts(done))) == (0, NAMES), done.stderr
    assert "Shape test updating to 2 users at 2.00 spawn rate" in done.stderr


def test_answers_that_are_not_as_they_should_be_are_failures(tmp_path):
    """Errors, a refusal or nothing behind status 200, or status 500: each request fails, says why; Locust ends 1."""
    empty, refusal = tmp_path / "empty.json", tmp_path / "refusal.json"
    empty.write_text("{}")
    refusal.write_text('{"errors": [{"message": "m", "extensions": {"code": "not_found", "fields": {}}}]}')
    modes = {
        ("graphql", "--errors-share", "1.0"): "missing keys ['extensions']",
        ("fixed", "--body-file", refusal): "refused: not_found",
        ("fixed", "--body-file", empty): "unexpected answer: ",
        ("fixed", "--status", "500"): "code=500",
    }
    with ExitStack() as stack:
        urls = [stack.enter_context(truth_server(*words)).url for words in modes]
        ended = locust_at_once(*((url, (), {"FACE": "graphql", **STEADY}) for url in urls))
    for done, reason in zip(ended, modes.values(), strict=True):
        found = counts(done)
        assert (done.returncode, set(found)) == (1, NAMES), done.stderr
        assert all(requests == failures > 0 for requests, failures in found.values()), done.stderr
        assert reason in done.stderr


READ_SETTINGS = """
import json, os, runpy, sys
for settings in json.loads(sys.argv[1]):
    os.environ.update(settings)
    try:
        runpy.run_path("scenarios/browsing.py")
    except SystemExit as end:
        print(end)
    for name in settings:
        del os.environ[name]
"""


def test_a_wrong_setting_is_named_in_one_line():
    """The line says what the setting was and what it may be."""
    wrong = {
        "FACE is 'soap': choose one of rest, graphql": {"FACE": "soap"},
        "DATASET is 'huge': choose one of small, x4, x20, medium, x300, large": {"DATASET": "huge"},
        "EXPONENT is 'steep': give a number from 0 to 8": {"EXPONENT": "steep"},
        "EXPONENT is '-1': give a number from 0 to 8": {"EXPONENT": "-1"},
        "SHAPE is 'round': choose one of steady, ramp, spike, ladder": {"SHAPE": "round"},
        "SHAPE_USERS is '1.5': SHAPE needs it, a whole number above 0": {**STEADY, "SHAPE_USERS": "1.5"},
        "SHAPE_USERS is '0': SHAPE needs it, a whole number above 0": {**STEADY, "SHAPE_USERS": "0"},
        "SHAPE_SECONDS is 'inf': SHAPE needs it, a number above 0": {**STEADY, "SHAPE_SECONDS": "inf"},
        "SHAPE_SECONDS is '': SHAPE needs it, a number above 0": {**STEADY, "SHAPE_SECONDS": ""},
    }
    assert in_own_process(READ_SETTINGS, list(wrong.values())).splitlines() == list(wrong)


def test_locust_ends_by_a_wrong_setting():
    """It prints that line alone, starts nothing and ends 1."""
    done = locust("http://127.0.0.1", FACE="soap")
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "FACE is 'soap': choose one of rest, graphql\n")
