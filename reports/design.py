"""Yields the design of a run as its findings show it: operations, faces, knobs with their levels, cells by setting.

It plans nothing and reads no experiment file: whatever was measured can be shown.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from lab.findings import Cell, Effect, Findings
from lab.wording import variant_name, varied_levels

Setting = tuple[tuple[str, str], ...]

CACHE = "cache"


def anchor(*words: str) -> str:
    """Words as a fragment that a link can name, and that holds for the next run."""
    return re.sub(r"\W+", "-", "-".join(words))


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """What was varied. `levels` holds each knob's levels in order of appearance: the first one is "off"."""

    operations: tuple[str, ...]
    faces: tuple[str, ...]
    servers: tuple[str, ...]
    knobs: tuple[str, ...]
    levels: Mapping[str, tuple[str, ...]]
    cells: Mapping[tuple[str, str, str, Setting], Cell]

    def setting(self, *, on: Iterable[str] = ()) -> Setting:
        """The full setting with the named knobs at their last level, all others off."""
        wanted = set(on)
        return tuple((knob, self.levels[knob][-1 if knob in wanted else 0]) for knob in self.knobs)

    def cell(self, *, operation: str, face: str, setting: Setting) -> Cell | None:
        """The cell of the first server at a setting, if it exists."""
        return next((c for s in self.servers if (c := self.cells.get((operation, face, s, setting)))), None)

    def letters(self) -> dict[str, str]:
        """A short mark for each knob: as many of its first letters as tell it from the others."""
        marks: dict[str, str] = {}
        for knob in self.knobs:
            for length in range(1, len(knob) + 1):
                mark = knob[:length]
                if not any(other != knob and other.startswith(mark) for other in self.knobs):
                    break
            marks[knob] = mark.capitalize()
        return marks

    def variant_name(self, variant: Setting) -> str:
        """A variant by what is on: "all off", "indexes", "all on"."""
        if variant and not self.knobs:
            # No knob was turned by itself: settings differ as a whole, or what is held has its own words.
            return varied_levels(variant, among=[key[-1] for key in self.cells]) or variant_name(variant)
        moved = [(k, v) for k, v in variant if k in self.levels and v != self.levels[k][0]]
        if not moved:
            return "all off" if variant else "as configured"
        named = [k if v == "on" or len(self.levels[k]) <= 2 else f"{k} {v}" for k, v in moved]
        full = all(name == k or v == "both" for name, (k, v) in zip(named, moved, strict=True))
        return "all on" if full and len(moved) == len(self.knobs) > 1 else " + ".join(named)


def design_of(findings: Findings) -> Design:
    """The design that the cells span; effects and waterfalls may name operations whose cells are missing."""
    levels: dict[str, dict[str, None]] = {knob: {} for knob in findings.knobs}
    for cell in findings.cells:
        for knob, level in cell.variant:
            if knob in levels:
                levels[knob][level] = None
    places = [(c.operation, c.face) for c in findings.cells]
    places += [(e.operation, e.face) for e in findings.effects]
    places += [(w.operation, w.face) for w in findings.waterfalls]
    return Design(
        operations=_distinct(operation for operation, _ in places),
        faces=_distinct(face for _, face in places if face),
        servers=_distinct(cell.server for cell in findings.cells),
        knobs=findings.knobs,
        levels={knob: tuple(seen) or ("off", "on") for knob, seen in levels.items()},
        cells={(c.operation, c.face, c.server, c.variant): c for c in findings.cells},
    )


def knobs_named(text: str, knobs: Iterable[str]) -> tuple[str, ...]:
    """The knobs that a text names as whole words, in the order of `knobs`."""
    return tuple(knob for knob in knobs if re.search(rf"(?<!\w){re.escape(knob)}(?!\w)", text))


def effects_of(findings: Findings, *, kind: str, operation: str, face: str | None = None) -> tuple[Effect, ...]:
    """The effects of one kind and operation, in the order of the findings."""
    return tuple(
        e for e in findings.effects if e.kind == kind and e.operation == operation and (face is None or e.face == face)
    )


def pairs_of(findings: Findings, *, operation: str) -> tuple[Effect, ...]:
    """The effects between two arms that are no levels of a knob: servers, and the parts of something."""
    return tuple(e for kind in ("server", "part") for e in effects_of(findings, kind=kind, operation=operation))


def headlines(findings: Findings, *, operation: str, face: str | None = None) -> tuple[Effect, ...]:
    """The effects that come first: each knob's conditional one, and the cache's own beside the others off and on."""
    return tuple(
        e
        for e in findings.effects
        if e.operation == operation
        and (face is None or e.face == face)
        and (e.kind == "conditional" or (e.kind == "simple" and e.subject == CACHE))
    )


def _distinct(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))
