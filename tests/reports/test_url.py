import json
import re
from dataclasses import replace
from html import unescape
from pathlib import Path

import pytest

from lab.json_files import write
from lab.load_findings import UrlLoad
from reports import format as text
from reports.__main__ import main
from reports.charts import spectrum
from reports.html import render_url
from tests.reports import load_sample
from tests.reports.test_page import PAYLOADS, Outline, outline


def said(page: str, *, section: str) -> str:
    start = page.index(f'<section id="{section}">')
    return " ".join(unescape(re.sub("<[^>]+>", " ", page[start : page.index("</section>", start)])).split())


@pytest.fixture(scope="module")
def page() -> str:
    return render_url(load_sample.url())


@pytest.fixture(scope="module")
def void() -> str:
    return render_url(load_sample.void_url())


def test_head_has_the_answer(page: str) -> None:
    """The first sentence has the three percentiles, both rates, the errors and that the load is valid."""
    own, answer = dict(load_sample.url().response), said(page, section="answer")
    times = ", ".join(f"p{share * 100:g} {text.duration(own[share])}" for share in (0.5, 0.95, 0.99))
    assert answer.startswith(
        f"The answer Valid. Response time: {times}; 201/s offered, 200/s answered right; 32 of 4,028 requests failed"
    )
    assert "200/s of poisson arrivals for 20.0 s after 1.00 s of warm-up" in answer
    assert "VOID" not in page


def test_void_load_says_so_in_red_with_its_reasons(void: str) -> None:
    """A void load carries an alarm with each reason, and marks each sensor that is beyond its limit."""
    for reason in load_sample.void_url().reasons:
        assert f'<li class="alarm">{reason}</li>' in void
    assert '<span class="alarm">VOID.</span>' in void
    assert void.count('<span class="alarm">over</span>') == 5
    assert "busiest generator, share of a core 91.0 % 60.0 % over" in said(void, section="sensors")


def test_sensors_stand_beside_their_limits(page: str) -> None:
    """Every sensor is listed with what it saw; one that the machine lacks says so."""
    told = said(page, section="sensors")
    for words in (
        "busiest generator, share of a core 14.2 % 60.0 % within",
        "lateness of sending, p99 810 µs 5.00 ms within",
        "arrivals never sent 0 0 within",
        "processor time taken by the host 0.1 % 5.0 % within",
        "reference kernel, after over before 1.004 1 ± 0.15 within",
        "processor pressure not available –",
    ):
        assert words in told


def test_tables_hold_the_values_given(page: str) -> None:
    """Percentiles of both times, counts and faults are those of the value; a share that too few can tell is marked."""
    found, told = load_sample.url(), said(page, section="numbers")
    for share, seconds in found.response:
        mark = " †" if share == 0.9999 else ""
        name = spectrum.name_of(share)
        assert f"{name}{mark} {text.duration(seconds)} {text.duration(dict(found.service)[share])}" in told
    assert "sent 4,028 answered right 3,996 failed 32 sent late 5 never sent 0" in told
    assert "status 30 time out 2" in told
    assert "x86_64, 2 cores" in said(page, section="environment")
    assert found.command in said(page, section="reproduce")


def test_charts_have_words_and_numbers(page: str) -> None:
    """Both charts state their finding, say it in words, hold their data and tell how to read them."""
    figures = re.findall(r"<figure .*?</figure>", page, flags=re.DOTALL)
    assert len(figures) == page.count("<svg") == page.count("How to read.") == 2
    assert "<figcaption>The slowest answer took 714 ms, 238 times the median of 3.00 ms<" in figures[0]
    assert "arrivals failed in 2 of 60 slices</figcaption>" in figures[1]
    assert figures[1].count("<tr>") == 61
    for label in ("50 %", "90 %", "99 %", "99.9 %"):
        assert f">{label}</text>" in figures[0]


def test_spectrum_draws_no_share_that_nobody_measured() -> None:
    """Of 500 answers the p99.9 is the maximum, so it is left out; the maximum is one in 500."""
    shares = ((0.0, 0.1), (0.5, 0.2), (0.99, 0.3), (0.999, 0.9), (1.0, 0.9))
    assert spectrum.points(shares, right=500) == [
        (1.0, 0.1),
        (2.0, 0.2),
        (pytest.approx(100.0), 0.3),
        (500.0, 0.9),
    ]


def test_nothing_right_and_no_moments() -> None:
    """A service that answered nothing right gives a page without charts that says so."""
    told = render_url(load_sample.silent_url())
    outline(told)
    assert "<svg" not in told
    assert "Nothing was answered right." in said(told, section="answer")
    assert "4,028 of 4,028 requests failed" in said(told, section="answer")
    assert "None" not in told.replace("<p>None.</p>", "").replace("<p>None: nothing", "")


def test_moments_without_an_answer_are_a_gap() -> None:
    """A load all of whose slices failed still has its course drawn, and a single slice is no division by zero."""
    whole = load_sample.url()
    gone = tuple(replace(each, right=0, failed=9, median=0.0, p99=0.0, most=0.0) for each in whole.moments)
    assert "Nothing was answered right at any time" in render_url(replace(whole, moments=gone))
    outline(render_url(replace(whole, moments=whole.moments[:1])))


def test_closed_load_warns_that_users_wait(page: str) -> None:
    """A closed load says that its response times hide queueing; an open one has nothing to warn of."""
    told = said(render_url(load_sample.closed_url()), section="answer")
    assert "8 users got 201/s answered right; no errors in 4,028 requests" in told
    assert "Its response times hide queueing" in told
    assert "hide queueing" not in page


def test_same_value_gives_the_same_bytes(page: str) -> None:
    """Rendering again changes no byte."""
    assert render_url(load_sample.url()) == page


def test_page_asks_nobody_for_anything(page: str) -> None:
    """The URL stands there as text alone: no link leaves the page, nothing is loaded, and no script runs."""
    elements = outline(page).elements
    assert {tag for tag, _ in elements} & {
        "script",
        "link",
        "img",
        "iframe",
        "object",
        "embed",
        "base",
        "form",
    } == set()
    assert [a["href"] for _, a in elements if "href" in a and not (a["href"] or "").startswith("#")] == []
    assert re.findall(r"@import|url\((?!#)", page) == []
    policy = next(a["content"] for _, a in elements if "http-equiv" in a)
    assert policy == "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def test_markup_in_texts_stays_text() -> None:
    """Whatever is in a URL, a method, a reason, a fault, an environment or a command makes no element."""
    plain, hostile = _shape("plain"), _shape(" ".join(PAYLOADS))
    assert [(tag, sorted(a)) for tag, a in plain.elements] == [(tag, sorted(a)) for tag, a in hostile.elements]


def _shape(words: str) -> Outline:
    found: UrlLoad = replace(
        load_sample.url(), url=words, method=words, arrivals=words, shape=words, started=words, command=words,
        state=words, reasons=(words,), faults=((words, 1),), environment=((words, words),), samples=(words,),
    )  # fmt: skip
    return outline(render_url(found))


def test_door_writes_the_page(tmp_path: Path, capsys: pytest.CaptureFixture[str], page: str) -> None:
    """`python -m reports --load LOAD_JSON HTML` writes the page of the value in the file, and names it."""
    source, target = tmp_path / "load.json", tmp_path / "page.html"
    write(load_sample.url(), source)
    assert main(["--load", str(source), str(target)]) == 0
    assert capsys.readouterr().out == f"{target}\n"
    assert target.read_text(encoding="utf-8") == page


@pytest.mark.parametrize("content", [None, "{", '{"url": 1}', "version"])
def test_door_refuses_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str | None) -> None:
    """A missing, damaged or newer file gives one line and exit code 2, and no page."""
    source, target = tmp_path / "load.json", tmp_path / "page.html"
    if content == "version":
        write(load_sample.url(), source)
        source.write_text(json.dumps(json.loads(source.read_text()) | {"schema_version": 99}))
    elif content is not None:
        source.write_text(content)
    assert main(["--load", str(source), str(target)]) == 2
    told = capsys.readouterr()
    assert (told.out, target.exists()) == ("", False)
    assert re.fullmatch(r"error: [^\n]+\n", told.err)
