"""Yields the sections of a page, in reading order, each with what its template shows. It renders no HTML."""

from collections.abc import Callable
from dataclasses import dataclass

from reports import captions, drawings, load_captions, load_drawings, mail_drawings, study_drawings
from reports.chart import Chart
from reports.page import Page


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part of the page. It is left out when `wanted` says so; `charts` and `reading` are empty where it has none."""

    identifier: str
    title: str
    template: str
    wanted: Callable[[Page], bool] = lambda _: True
    charts: Callable[[Page], tuple[Chart, ...]] = lambda _: ()
    reading: str = ""


SECTIONS = (
    Section(identifier="answer", title="The answer", template="answer"),
    Section(
        identifier="verdicts",
        title="Verdicts, and what explains them",
        template="verdicts",
        wanted=lambda p: bool(p.verdicts),
    ),
    Section(
        identifier="setting",
        title="Flip the knobs",
        template="knobs",
        wanted=lambda p: p.has_cells and bool(p.design.knobs and p.design.cells),
    ),
    Section(
        identifier="gate", title="What differs between the commits", template="gate", wanted=lambda p: bool(p.gate)
    ),
    Section(identifier="capacity", title="Load and capacity", template="capacity", wanted=lambda p: bool(p.load)),
    Section(
        identifier="mails",
        title="Orders and their mails",
        template="charts",
        charts=lambda p: mail_drawings.times(p.mail) if p.mail else (),
        reading=mail_drawings.READING,
    ),
    Section(
        identifier="study",
        title="What was measured",
        template="charts",
        charts=lambda p: study_drawings.charts(p.study) if p.study else (),
    ),
    Section(
        identifier="numbers",
        title="The numbers",
        template="study_tables",
        wanted=lambda p: bool(p.study and p.study.tables),
    ),
    Section(identifier="mail-cells", title="Every rate", template="mail_cells", wanted=lambda p: p.mail is not None),
    Section(
        identifier="growth",
        title="Throughput against users",
        template="charts",
        charts=lambda p: load_drawings.growths(p.arms) if p.load else (),
        reading=load_captions.GROWTH,
    ),
    Section(
        identifier="waiting",
        title="Response time against offered rate",
        template="charts",
        charts=lambda p: load_drawings.waits(p.arms) if p.load else (),
        reading=load_captions.WAITING,
    ),
    Section(
        identifier="percentiles",
        title="Response times, arm by arm",
        template="charts",
        charts=lambda p: load_drawings.spreads(p.arms) if p.load else (),
        reading=load_captions.PERCENTILES,
    ),
    Section(
        identifier="costs",
        title="What a request costs under load",
        template="charts",
        charts=lambda p: load_drawings.expenses(p.arms) if p.load else (),
        reading=load_captions.COSTS,
    ),
    Section(
        identifier="loads",
        title="Every load",
        template="load_cells",
        wanted=lambda p: bool(p.load and p.load.cells),
    ),
    Section(
        identifier="waterfall",
        title="From all off to all on",
        template="charts",
        charts=lambda p: drawings.waterfalls(p.findings),
        reading=captions.WATERFALL,
    ),
    Section(
        identifier="effects",
        title="What each knob does",
        template="charts",
        charts=lambda p: drawings.knob_effects(p.findings, p.design),
        reading=captions.FOREST,
    ),
    Section(
        identifier="along",
        title="How each arm grows",
        template="charts",
        reading=captions.GROWTH,
        charts=lambda p: drawings.growths(p.findings, p.design),
    ),
    Section(
        identifier="interactions",
        title="What the knobs do to each other",
        template="charts",
        charts=lambda p: drawings.interactions(p.findings, p.design),
        reading=captions.INTERACTION,
    ),
    Section(
        identifier="servers",
        title="Candidate against reference",
        template="charts",
        charts=lambda p: drawings.server_effects(p.findings, p.design),
        reading=captions.FOREST,
    ),
    Section(
        identifier="faces",
        title="REST against GraphQL",
        template="charts",
        charts=lambda p: drawings.face_effects(p.findings, p.design),
        reading=captions.FACES,
    ),
    Section(
        identifier="distribution",
        title="How the times are spread",
        template="charts",
        charts=lambda p: drawings.distributions(p.findings, p.design),
        reading=captions.DISTRIBUTION,
    ),
    Section(identifier="cells", title="Every cell", template="cells", wanted=lambda p: p.has_cells),
    Section(
        identifier="every-effect", title="Every effect", template="effects", wanted=lambda p: bool(p.findings.effects)
    ),
    Section(
        identifier="evidence",
        title="The evidence, cell by cell",
        template="evidence",
        wanted=lambda p: p.has_cells,
    ),
    Section(
        identifier="statements",
        title="Statements and plans",
        template="statements",
        wanted=lambda p: bool(p.catalogue.statements),
    ),
    Section(
        identifier="proof",
        title="Same answers everywhere",
        template="proof",
        wanted=lambda p: p.has_cells or bool(p.findings.proofs),
    ),
    Section(
        identifier="validity",
        title="Time within the run, and validity",
        template="validity",
        wanted=lambda p: p.has_cells or bool(p.findings.blocks),
        charts=lambda p: drawings.drifts(p.findings, p.design),
        reading=captions.DRIFT,
    ),
    Section(
        identifier="instrument",
        title="How honest the load instrument is",
        template="instrument",
        wanted=lambda p: p.load is not None,
    ),
    Section(identifier="power", title="How honest the gate is", template="power", wanted=lambda p: p.power is not None),
    Section(identifier="method", title="How it was measured", template="method"),
    Section(identifier="environment", title="Where it was measured", template="environment"),
    Section(identifier="stages", title="Where the run's time went", template="stages"),
    Section(identifier="reproduce", title="Check it, and run it again", template="reproduce"),
)
