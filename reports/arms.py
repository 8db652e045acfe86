"""Yields the arms of a load as pages name and group them: by face, by step, the main ones where there are many.

It plans nothing and judges nothing: whatever was loaded can be shown.
"""

from dataclasses import dataclass
from typing import Final

from lab.arm_names import Variant, name_of, spelled_out
from lab.findings import GENERATOR_LIMIT
from lab.load_findings import LoadCell, LoadFindings, Scalability
from lab.wording import only_level

MAIN: Final = 6
"""Arms that one drawing of lines can hold: as many as there are colours of series."""

LINE: Final = 3
"""Steps from which an arm is drawn as a line over them; fewer are drawn step by step."""


def is_void(cell: LoadCell) -> bool:
    """Whether a cell counts for nothing."""
    return cell.state == "void"


def remarks(cell: LoadCell, *, is_limited: bool) -> str:
    """What a reader has to know of a cell beside its numbers."""
    said = [f"void: {cell.reason or 'no reason was given'}"] if is_void(cell) else []
    said += ["limited by the generator"] if is_limited else []
    return "; ".join(said)


@dataclass(frozen=True, slots=True, kw_only=True)
class Arms:
    """What the drawings ask of a load."""

    load: LoadFindings
    names: dict[Variant, str]

    @property
    def faces(self) -> tuple[str, ...]:
        """The faces, in order of appearance."""
        own = [cell.face for cell in self.load.cells] + [each.face for each in self.load.scalabilities]
        return tuple(dict.fromkeys(own))

    @property
    def processes(self) -> tuple[str, ...]:
        """The processes whose CPU time was read, in order of appearance."""
        return tuple(dict.fromkeys(name for cell in self.load.cells for name, _ in cell.cpu))

    @property
    def knows_connections(self) -> bool:
        """Whether the database told of connections."""
        return any(cell.opened for cell in self.load.cells)

    def name(self, variant: Variant) -> str:
        """An arm in one phrase."""
        return self.names.get(variant) or name_of(variant)

    def variants(self, face: str) -> tuple[Variant, ...]:
        """The arms of a face, in order of appearance."""
        own = [cell.variant for cell in self.load.cells if cell.face == face]
        own += [each.variant for each in self.load.scalabilities if each.face == face]
        return tuple(dict.fromkeys(own))

    def main(self, face: str) -> tuple[Variant, ...]:
        """All arms where a drawing holds them; else all off, each knob alone and all on, as far as it does."""
        variants = self.variants(face)
        if len(variants) <= MAIN:
            return variants
        moved = {variant: sum(level != "off" for _, level in variant) for variant in variants}
        chosen = [v for v in variants if moved[v] <= 1 or moved[v] == len(v)]
        return tuple(chosen[: MAIN - 1] + chosen[-1:] if len(chosen) > MAIN else chosen or variants[:MAIN])

    def steps(self, *, face: str, kind: str) -> tuple[str, ...]:
        """The names of the loads of one kind, in order of appearance."""
        return tuple(dict.fromkeys(c.step for c in self.load.cells if (c.face, c.kind) == (face, kind)))

    def has_lines(self, *, face: str, kind: str) -> bool:
        """Whether the loads of a kind are drawn as lines over their steps."""
        return len(self.steps(face=face, kind=kind)) >= LINE

    def at(self, *, face: str, kind: str, step: str) -> tuple[LoadCell, ...]:
        """The cells of one step, an arm each, in the order given."""
        return tuple(c for c in self.load.cells if (c.face, c.kind, c.step) == (face, kind, step))

    def along(self, variant: Variant, *, face: str, kind: str) -> tuple[LoadCell, ...]:
        """The cells of one arm, from the lowest load to the highest."""
        own = (c for c in self.load.cells if (c.face, c.kind, c.variant) == (face, kind, variant))
        return tuple(sorted(own, key=lambda cell: cell.level))

    def scalability(self, variant: Variant, *, face: str) -> Scalability | None:
        """How the arm takes more users, if that was asked."""
        return next((s for s in self.load.scalabilities if (s.face, s.variant) == (face, variant)), None)

    def is_generator_limited(self, cell: LoadCell) -> bool:
        """Whether a cell shows the generator and not the server: by its own share, or by what ended the growth."""
        if cell.generator_share > GENERATOR_LIMIT:
            return True
        own = self.scalability(cell.variant, face=cell.face)
        if own is None or own.users is None or cell.kind != "closed":
            return False
        return own.limit == "generator" and cell.level >= own.users


def arms_of(load: LoadFindings) -> Arms:
    """The arms of a load, each with a name of its own."""
    variants = [c.variant for c in load.cells] + [s.variant for s in load.scalabilities]
    variants += [v for gain in load.gains for v in (gain.candidate, gain.reference)]
    distinct = list(dict.fromkeys(variants))
    short = {variant: only_level(variant, among=distinct) or name_of(variant) for variant in distinct}
    taken = list(short.values())
    names = {v: name if taken.count(name) == 1 else spelled_out(v) for v, name in short.items()}
    return Arms(load=load, names=names)
