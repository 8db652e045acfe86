"""Yields the report as one HTML text that needs nothing else. It reads and writes no file of the run."""

import base64
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from urllib.parse import quote

import jinja2
from markupsafe import Markup

from lab.arm_names import spelled_out
from lab.benchmark_findings import Benchmarks
from lab.compare_findings import Comparison
from lab.findings import Findings
from lab.gate_findings import GateFindings
from lab.load_findings import LoadFindings, UrlLoad
from lab.mail_findings import MailFindings
from lab.power_findings import GatePower
from lab.site_findings import Site
from lab.study_findings import StudyFindings
from lab.trend_findings import Trend
from lab.wording import face_name, method
from reports import arms, load_captions, mail_drawings, study_drawings, style
from reports import format as text
from reports.benchmarks_page import READING as SPANS
from reports.benchmarks_page import BenchmarksPage
from reports.compare_page import CELLS, EFFECTS, NUMBERS, PAIRED, ComparePage, number_name, shown
from reports.design import anchor
from reports.page import Page, is_void, quantile
from reports.power_page import PowerPage
from reports.sections import SECTIONS
from reports.site_page import SitePage, state
from reports.trend_page import READING, TrendPage
from reports.url_page import CLOSED, UrlPage

_ENVIRONMENT: Final = jinja2.Environment(
    loader=jinja2.PackageLoader("reports"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)
_ENVIRONMENT.globals.update(
    text=text, style=style, face_name=face_name, is_void=is_void, quantile=quantile,
    spelled_out=spelled_out, is_void_load=arms.is_void, study_drawings=study_drawings,
)  # fmt: skip

RAW_DATA: Final = (
    ("findings.json", "the numbers behind this page"),
    ("cells.csv", "every cell as a line, for other programs"),
    ("loads.csv", "every load as a line, for other programs"),
    ("mails.csv", "every rate of orders as a line, for other programs"),
    ("summary.md", "the answer and the verdicts as Markdown"),
    ("gate.json", "what differs between the commits"),
    ("counted.json", "what each commit's requests did, counted"),
    ("benchmarks.json", "every pair of calls in process, in seconds"),
    ("power.json", "how honest the gate is, by the gates that were tried on known code"),
    ("study.json", "what the study found: tables and curves"),
    ("mail.json", "what became of orders and mails: times, ratios and counts"),
    ("load.json", "the numbers found under load: cells, capacities, laws and gains"),
    ("manifest.json", "what was asked, and where and how it was measured"),
    ("plan.json", "how the budget was shared between the cells"),
    ("load-plan.json", "what each arm carried in the pilot, and the loads that it met"),
    ("proof.json", "the answers compared and the evidence counted, cell by cell"),
    ("evidence/", "the evidence as the target wrote it"),
    ("samples/", "every request: when it was due, sent and done, in nanoseconds"),
    ("blocks/", "what each block's generator was given, and what it reported"),
    ("caching-plan.json", "which requests are sent to each cache, and when"),
    ("kept.json", "what an answer takes in the store"),
    ("indexes.json", "every index, with its size and what uses it"),
    ("writes.json", "what inserts took with each index and without it"),
    ("missing.json", "the servers that could not be had here"),
    ("calibration.json", "how honest the load instrument was on this machine"),
    ("stages.json", "the stages of the run and their wall times"),
)


def raw_data(run: Path) -> tuple[tuple[str, str], ...]:
    """The files of a run and its folders with some, each with what it holds; addresses are relative to the report."""
    own = tuple((name, what) for name, what in RAW_DATA if (run / name).is_file() or any((run / name).glob("*")))
    parts = sorted(path.parent.name for path in run.glob("*/manifest.json"))
    return (*own, *((f"{quote(name)}/", "a part of this run, with samples and blocks of its own") for name in parts))


def render(
    findings: Findings, *, load: LoadFindings | None = None, gate: GateFindings | None = None,
    power: GatePower | None = None, mail: MailFindings | None = None, study: StudyFindings | None = None,
    raw: Sequence[tuple[str, str]] = RAW_DATA,
) -> str:  # fmt: skip
    """The page of a run, with what was found under load or by a gate. The same values give the same bytes."""
    page = Page(findings=findings, load=load, gate=gate, power=power, mail=mail, study=study)
    sections = []
    for section in SECTIONS:
        charts = section.charts(page)
        if section.wanted(page) and (charts or section.template != "charts"):
            sections.append((section, charts))
    return _scripted(
        "page.html.j2", page=page, findings=findings, raw=raw, method=_method(page), design=page.design,
        sections=sections,
    )  # fmt: skip


def _method(page: Page) -> Sequence[str]:
    """How a run of this kind is measured, by paragraphs."""
    if page.study:
        return page.study.method
    return mail_drawings.METHOD if page.mail else load_captions.METHOD if page.load else method(page.findings.target)


def render_url(found: UrlLoad) -> str:
    """The page of a load on one URL. The same value gives the same bytes."""
    return _rendered("url.html.j2", page=UrlPage(found=found), found=found, closed_note=CLOSED)


def render_trend(found: Trend) -> str:
    """The page of a history. The same value gives the same bytes."""
    return _scripted("trend.html.j2", page=TrendPage(found=found), found=found, reading=READING)


def render_power(found: GatePower) -> str:
    """The page of a gate's calibration. The same value gives the same bytes."""
    return _rendered("power.html.j2", page=PowerPage(found=found), found=found)


def render_benchmarks(found: Benchmarks) -> str:
    """The page of a session of benchmarks. The same value gives the same bytes."""
    return _rendered("benchmarks.html.j2", page=BenchmarksPage(found=found), found=found, reading=SPANS)


def render_compare(found: Comparison) -> str:
    """The page of two runs against each other. The same value gives the same bytes."""
    return _scripted(
        "compare.html.j2", page=ComparePage(found=found), found=found, reading_cells=CELLS, reading_effects=EFFECTS,
        reading_paired=PAIRED, reading_numbers=NUMBERS, number_name=number_name, shown=shown,
    )  # fmt: skip


def render_site(found: Site) -> str:
    """The page of all runs. The same value gives the same bytes."""
    return _scripted("site.html.j2", page=SitePage(found=found), found=found, state=state, anchor=anchor)


def _rendered(template: str, **values: object) -> str:
    """A page in our own style, which nothing of a run goes into. No script may run in it."""
    return _ENVIRONMENT.get_template(template).render(css=Markup(_source("page.css")), **values)


def _scripted(template: str, **values: object) -> str:
    """A page with our own script, and no other may run in it."""
    script = _source("page.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return _rendered(template, script=Markup(script), script_hash=digest, **values)


def _source(name: str) -> str:
    loader = _ENVIRONMENT.loader
    if loader is None:
        raise AssertionError
    return loader.get_source(_ENVIRONMENT, name)[0]
