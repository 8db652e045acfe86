"""Yields the charts of every section, in reading order: which cells and effects go into which drawing.

It draws none itself.
"""

from collections.abc import Sequence
from itertools import combinations

from lab import wording
from lab.findings import Cell, Effect, Findings
from reports import captions
from reports.chart import Chart
from reports.charts import drift, forest, interaction, quantiles, sizes, waterfall
from reports.design import CACHE, Design, effects_of, headlines, knobs_named, pairs_of
from reports.places import places


def waterfalls(findings: Findings) -> tuple[Chart, ...]:
    """One waterfall per operation and face."""
    return tuple(
        Chart(
            identifier=f"waterfall-{number}",
            title=captions.waterfall_title(fall),
            alternative=(said := captions.waterfall_alternative(fall)),
            svg=waterfall.draw(fall, identifier=f"waterfall-{number}", alternative=said),
            header=waterfall.header(),
            rows=waterfall.data(fall),
            operation=fall.operation,
            face=fall.face,
            at=(f"/waterfalls/{number}",) * (len(fall.steps) + 2),
        )
        for number, fall in enumerate(findings.waterfalls)
    )


def knob_effects(findings: Findings, design: Design) -> tuple[Chart, ...]:
    """The knobs' first effects: one forest per operation and face, one row per knob."""
    charts: list[Chart] = []
    for operation, face in ((operation, face) for operation in design.operations for face in design.faces):
        rows = [
            forest.Row(name=captions.effect_name(effect), effect=effect)
            for effect in headlines(findings, operation=operation, face=face)
        ]
        if not rows:
            continue
        first = [row for row in rows if row.effect.kind == "conditional"] or rows
        head = ", ".join(filter(None, (wording.place(operation, face), first[0].effect.given)))
        charts.append(
            _forest(
                rows,
                findings=findings,
                title=captions.forest_title(head, first),
                axis="time with the knob on / time with it off (log)",
                identifier=f"effect-{len(charts)}",
                operation=operation,
                face=face,
            )
        )
    return tuple(charts)


def face_effects(findings: Findings, design: Design) -> tuple[Chart, ...]:
    """GraphQL against REST: one forest per operation, one row per variant."""
    charts: list[Chart] = []
    for operation in design.operations:
        effects = effects_of(findings, kind="face", operation=operation)
        rows = [forest.Row(name=effect.given or effect.subject, effect=effect) for effect in effects]
        if rows:
            charts.append(
                _forest(
                    rows,
                    findings=findings,
                    title=captions.tally_title(operation, rows, what="GraphQL is"),
                    axis="time over GraphQL / time over REST (log)",
                    identifier=f"face-{len(charts)}",
                    operation=operation,
                    face="",
                )
            )
    return tuple(charts)


def server_effects(findings: Findings, design: Design) -> tuple[Chart, ...]:
    """Servers against the reference: one forest per operation, one row per face and server."""
    charts: list[Chart] = []
    for operation in design.operations:
        effects = pairs_of(findings, operation=operation)
        rows = [forest.Row(name=_server_row(effect), effect=effect) for effect in effects]
        if rows:
            charts.append(
                _forest(
                    rows,
                    findings=findings,
                    title=captions.tally_title(operation, rows, what="the candidate is"),
                    axis="time of the candidate / time of the reference (log)",
                    identifier=f"server-{len(charts)}",
                    operation=operation,
                    face="",
                )
            )
    return tuple(charts)


def growths(findings: Findings, design: Design) -> tuple[Chart, ...]:
    """Service time against the number that operations differ in, one line per arm: one chart per face."""
    charts: list[Chart] = []
    for face in design.faces:
        lines = _along(findings, design, face=face)
        if any(len(line.points) > 1 for line in lines):
            identifier, alternative = f"along-{len(charts)}", captions.growth_alternative(lines)
            charts.append(
                Chart(
                    identifier=identifier,
                    title=captions.growth_title(face, lines, what=findings.along_what),
                    alternative=alternative,
                    svg=sizes.draw(lines, what=findings.along_what, identifier=identifier, alternative=alternative),
                    header=sizes.header(findings.along_what),
                    rows=sizes.data(lines),
                    face=face,
                )
            )
    return tuple(charts)


def interactions(findings: Findings, design: Design) -> tuple[Chart, ...]:
    """Every pair of knobs but the cache, per operation and face, with the cache and all further knobs off."""
    pairs = list(combinations([knob for knob in design.knobs if knob != CACHE], 2))
    charts: list[Chart] = []
    for operation in design.operations:
        for face in design.faces:
            panels = [_panel(findings, design, pair, operation=operation, face=face) for pair in pairs]
            panels = [panel for panel in panels if any(all(line.service) for line in panel.lines)]
            if not panels:
                continue
            identifier, alternative = f"interaction-{len(charts)}", captions.interaction_alternative(panels)
            charts.append(
                Chart(
                    identifier=identifier,
                    title=captions.interaction_title(wording.place(operation, face), panels),
                    alternative=alternative,
                    svg=interaction.draw(panels, identifier=identifier, alternative=alternative),
                    header=interaction.header(),
                    rows=interaction.data(panels),
                    operation=operation,
                    face=face,
                    at=tuple(at for panel in panels for line in panel.lines for at in line.at),
                )
            )
    return tuple(charts)


def distributions(findings: Findings, design: Design) -> tuple[Chart, ...]:
    """Quantile curves of the main arms, per operation and face: all off, each knob alone, all on; else every arm.

    Where nothing but the face differs, both are in one drawing.
    """
    charts: list[Chart] = []
    where = places(findings.cells, of="cells")
    arms = {key[2:] for key in design.cells}
    faces = ("",) if len(arms) == 1 and len(design.faces) > 1 else design.faces
    for operation in design.operations:
        for face in faces:
            own = (
                _main_arms(design, operation=operation, face=face) if face else _face_arms(design, operation=operation)
            )
            curves = [curve for curve in own if curve.cell.quantiles]
            if not curves:
                continue
            identifier, alternative = f"distribution-{len(charts)}", captions.quantiles_alternative(curves)
            charts.append(
                Chart(
                    identifier=identifier,
                    title=captions.quantiles_title(wording.place(operation, face), curves),
                    alternative=alternative,
                    svg=quantiles.draw(curves, identifier=identifier, alternative=alternative),
                    header=quantiles.header(),
                    rows=quantiles.data(curves),
                    operation=operation,
                    face=face,
                    at=tuple(where[id(curve.cell)] for curve in curves),
                )
            )
    return tuple(charts)


def drifts(findings: Findings, design: Design) -> tuple[Chart, ...]:
    """Block means in order of running, per operation and face, of the cells that have the most blocks."""
    charts: list[Chart] = []
    for operation in design.operations:
        for face in design.faces:
            cells = [c for c in findings.cells if (c.operation, c.face) == (operation, face)]
            longest = max((len(cell.block_means) for cell in cells), default=0)
            cells = [
                cell for cell in cells if len(cell.block_means) == longest and all(m > 0 for m in cell.block_means)
            ]
            if longest < 2 or not cells:
                continue
            identifier, middle = f"drift-{len(charts)}", drift.typical(cells)
            alternative = captions.drift_alternative(middle)
            charts.append(
                Chart(
                    identifier=identifier,
                    title=captions.drift_title(wording.place(operation, face), middle),
                    alternative=alternative,
                    svg=drift.draw(cells, identifier=identifier, alternative=alternative),
                    header=drift.header(),
                    rows=drift.data(cells),
                    operation=operation,
                    face=face,
                )
            )
    return tuple(charts)


def _along(findings: Findings, design: Design, *, face: str) -> list[sizes.Line]:
    numbers = dict(findings.along)
    cells = [cell for cell in findings.cells if cell.face == face and cell.operation in numbers and cell.service]
    cells.sort(key=lambda cell: numbers[cell.operation])
    return [
        sizes.Line(
            place=place,
            name=design.variant_name(variant),
            points=tuple((numbers[cell.operation], cell) for cell in cells if cell.variant == variant),
        )
        for place, variant in enumerate(dict.fromkeys(cell.variant for cell in cells))
    ]


def _forest(
    rows: Sequence[forest.Row], *, findings: Findings, title: str, axis: str, identifier: str, operation: str, face: str
) -> Chart:
    alternative, where = captions.forest_alternative(rows), places(findings.effects, of="effects")
    return Chart(
        identifier=identifier,
        title=title,
        alternative=alternative,
        svg=forest.draw(rows, axis=axis, identifier=identifier, alternative=alternative),
        header=forest.header(),
        rows=forest.data(rows),
        operation=operation,
        face=face,
        at=tuple(where[id(row.effect)] for row in rows),
    )


def _server_row(effect: Effect) -> str:
    given = "" if effect.kind == "part" else effect.given
    return ", ".join(part for part in (wording.face_name(effect.face), effect.subject, given) if part)


def _own_name(cell: Cell, design: Design) -> str:
    """What tells a cell from the others of its operation and face, where no knob does."""
    return cell.server if len(design.servers) > 1 else design.variant_name(cell.variant)


def _panel(
    findings: Findings, design: Design, pair: tuple[str, str], *, operation: str, face: str
) -> interaction.Panel:
    other, along = pair

    def at(other_level: str, along_level: str) -> Cell | None:
        levels = {knob: design.levels[knob][0] for knob in design.knobs} | {other: other_level, along: along_level}
        setting = tuple((knob, levels[knob]) for knob in design.knobs)
        return design.cell(operation=operation, face=face, setting=setting)

    found = effects_of(findings, kind="interaction", operation=operation, face=face)
    effect = next((e for e in found if set(knobs_named(e.subject, design.knobs)) == {other, along}), None)
    where = {**places(findings.cells, of="cells"), **places(findings.effects, of="effects"), id(None): ""}
    lines = tuple(
        interaction.Line(
            level=level,
            service=tuple(cell.service if cell else None for cell in own),
            at=tuple(f"{where[id(cell)]} {where[id(effect)]}".strip() for cell in own),
        )
        for level in design.levels[other]
        for own in [[at(level, step) for step in design.levels[along]]]
    )
    return interaction.Panel(along=along, levels=design.levels[along], other=other, lines=lines, effect=effect)


def _face_arms(design: Design, *, operation: str) -> list[quantiles.Curve]:
    cells = [cell for cell in design.cells.values() if cell.operation == operation]
    return [
        quantiles.Curve(place=place, name=wording.face_name(cell.face), cell=cell) for place, cell in enumerate(cells)
    ]  # fmt: skip


def _main_arms(design: Design, *, operation: str, face: str) -> list[quantiles.Curve]:
    if not design.knobs:
        cells = [cell for cell in design.cells.values() if (cell.operation, cell.face) == (operation, face)]
        return [
            quantiles.Curve(place=place, name=_own_name(cell, design), cell=cell) for place, cell in enumerate(cells)
        ]
    wanted: list[tuple[str, tuple[str, ...]]] = [("all off", ())]
    wanted += [(f"{knob} only", (knob,)) for knob in design.knobs]
    if len(design.knobs) > 1:
        wanted.append(("all on", design.knobs))
    settings = [(name, design.setting(on=on)) for name, on in wanted]
    found = [(name, design.cell(operation=operation, face=face, setting=setting)) for name, setting in settings]
    return [quantiles.Curve(place=place, name=name, cell=cell) for place, (name, cell) in enumerate(found) if cell]
