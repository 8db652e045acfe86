"""Yields what a page shows: the findings, and what is drawn or looked up from them. It renders no HTML."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from lab.findings import Block, Cell, Effect, Findings, Statement
from lab.gate_findings import GateFindings
from lab.load_findings import LoadCell, LoadFindings
from lab.mail_findings import MailFindings
from lab.power_findings import GatePower
from lab.study_findings import StudyFindings
from reports import arms, captions, study_drawings
from reports.arms import Arms
from reports.design import Design, anchor, design_of, knobs_named
from reports.evidence import Catalogue, CellEvidence, catalogue_of
from reports.places import places
from reports.power_page import PowerPage
from reports.verdicts import VerdictTable, verdict_tables


@dataclass(frozen=True, kw_only=True)
class Page:
    """What the templates ask: the findings, and what is drawn or looked up from them, each made once."""

    findings: Findings
    load: LoadFindings | None = None
    gate: GateFindings | None = None
    power: GatePower | None = None
    mail: MailFindings | None = None
    study: StudyFindings | None = None
    anchors: Mapping[int, str] = field(init=False)

    def __post_init__(self) -> None:
        """Give every cell an anchor that says what it is, and that holds for the next run of the same experiment."""
        taken: dict[str, int] = {}
        anchors = {}
        for cell in self.findings.cells:
            name = anchor(cell.operation, cell.server, cell.face, *(level for _, level in cell.variant))
            taken[name] = taken.get(name, 0) + 1
            anchors[id(cell)] = f"cell-{name}" if taken[name] == 1 else f"cell-{name}-{taken[name]}"
        object.__setattr__(self, "anchors", anchors)

    @cached_property
    def power_page(self) -> PowerPage:
        """What is known of the gate's honesty, as tables."""
        if self.power is None:
            raise AssertionError
        return PowerPage(found=self.power)

    @cached_property
    def design(self) -> Design:
        """Operations, faces, knobs and levels."""
        return design_of(self.findings)

    @cached_property
    def verdicts(self) -> tuple[VerdictTable, ...]:
        """The tables of verdicts."""
        return verdict_tables(self.findings, self.design)

    @cached_property
    def arms(self) -> Arms:
        """The arms of the load. Raises AttributeError where there was none: `load` says so."""
        if self.load is None:
            raise AttributeError("this run had no load")
        return arms.arms_of(self.load)

    @property
    def faces(self) -> tuple[str, ...]:
        """The faces of cells and loads, and of a study."""
        of_study = (face for _, face in self.study_places if face)
        return tuple(dict.fromkeys((*self.design.faces, *(self.arms.faces if self.load else ()), *of_study)))

    @property
    def operations(self) -> tuple[str, ...]:
        """The operations of cells, and of a study."""
        return tuple(dict.fromkeys((*self.design.operations, *(name for name, _ in self.study_places if name))))

    @cached_property
    def study_places(self) -> tuple[tuple[str, str], ...]:
        """The operations and faces that a study is about."""
        return study_drawings.places(self.study) if self.study else ()

    @property
    def has_cells(self) -> bool:
        """Whether what one request costs belongs on the page: in a run without load, and where it was measured."""
        is_plain = not (self.load or self.gate or self.mail or self.study)
        return is_plain or bool(self.findings.cells)

    @property
    def moved(self) -> tuple[tuple[str, Statement], ...]:
        """The statements of a gate that are gone from the head, or new or oftener in it, once each."""
        changes = self.gate.changes if self.gate else ()
        found: dict[tuple[str, str], tuple[str, Statement]] = {}
        for title, statements in (
            ("base", (each for change in changes for each in change.gone)),
            ("head", (each for change in changes for each in change.new)),
        ):
            for statement in statements:
                found.setdefault((title, statement.fingerprint), (title, statement))
        return tuple(found.values())

    @property
    def void_loads(self) -> tuple[LoadCell, ...]:
        """The cells under load that count for nothing, each with its reason."""
        return tuple(cell for cell in self.load.cells if arms.is_void(cell)) if self.load else ()

    @property
    def families(self) -> str:
        """How many intervals hold together with those in the tables of verdicts."""
        return captions.families([row.effect for table in self.verdicts for row in table.rows])

    @cached_property
    def catalogue(self) -> Catalogue:
        """Statements and plans."""
        return catalogue_of(self.findings)

    @property
    def evidence_groups(self) -> tuple[tuple[str, str, tuple[CellEvidence, ...]], ...]:
        """The cells' evidence by operation and face."""
        groups: dict[tuple[str, str], list[CellEvidence]] = {}
        for item in self.catalogue.cells:
            groups.setdefault((item.cell.operation, item.cell.face), []).append(item)
        return tuple((operation, face, tuple(items)) for (operation, face), items in groups.items())

    @property
    def voided(self) -> tuple[Cell, ...]:
        """The cells that give no time, each with its reason."""
        return tuple(cell for cell in self.findings.cells if is_void(cell))

    @property
    def bad_blocks(self) -> tuple[Block, ...]:
        """The blocks that the sensors voided."""
        return tuple(block for block in self.findings.blocks if block.void)

    @cached_property
    def places(self) -> Mapping[int, str]:
        """Where cells and effects stand in findings.json."""
        return {**places(self.findings.cells, of="cells"), **places(self.findings.effects, of="effects")}

    def at(self, value: Cell | Effect) -> str:
        """The pointer of a cell or an effect into findings.json."""
        return self.places[id(value)]

    def anchor(self, cell: Cell) -> str:
        """The fragment of a cell's evidence."""
        return self.anchors[id(cell)]

    def knobs_of(self, effect: Effect) -> str:
        """The knobs that an effect is about, for the filter."""
        return " ".join(knobs_named(effect.subject, self.findings.knobs))


def is_void(cell: Cell) -> bool:
    """Whether a cell gives no time."""
    return cell.service is None or cell.state == "void"


def quantile(cell: Cell, share: float) -> float | None:
    """The cell's quantile at exactly this share, if the findings hold it."""
    return next((seconds for at, seconds in cell.quantiles if abs(at - share) < 1e-9), None)
