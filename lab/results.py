"""Yields run folders: where each thing that a run makes is kept, written as soon as it is known. It derives nothing.

results/<experiment>/<run>/manifest.json   what was asked, of what, on which machine
                           proof.json      each cell's proof and evidence
                           evidence/       <server>.jsonl: what the target wrote down of each request of the proof
                           plan.json       how the budget was shared, or of a run under load
                           load-plan.json  which loads each block has
                           samples/        block-00.samples: raw due, sent and done times
                           blocks/         block-00.script.json, block-00.report.json
                                           block-00.alone.json: what PostgreSQL alone took, where it was timed
                                           under load block-00.statements.json, block-00.connections.json as well
                           calibration.json  how honest the load instrument was here, if that was ever measured
                           counted.json, counted/, gate.json  of a gate: each commit's counts, and what differs
                           benchmarks.json, power.json  of a gate: calls in process, and how honest gates are
                           load.json, mail.json  what was found under load, and of orders and mails: derived
                           missing.json    of a run with mails: the servers that cannot be had here
                           caching-plan.json, kept.json  of a study of caches: its times, and what answers take
                           indexes.json, writes.json  of a study of indexes: which there are, what inserts took
                           study.json      what a study found: derived
                           stages.json     wall times
                           findings.json, report.html, cells.csv, loads.csv, mails.csv, summary.md  derived
                           SHA256SUMS      the checksums of what was not derived, since the run ended
                           derived.sha256  those of all files, since it was derived last
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryFile
from typing import Final

from lab.errors import LabError
from lab.experiment import Experiment
from lab.findings import SCHEMA_VERSION, Evidence, Findings, Proof, Stage
from lab.gate_findings import AnswerChange, GateFindings
from lab.json_files import read, read_if_there, write
from lab.load_findings import Calibration, LoadFindings
from lab.plan import Plan

ROOT: Final = Path("results")
CALIBRATION: Final = ROOT / "calibrate" / "clock.json"
"""The newest calibration of the load instrument."""

SEAL_DERIVED: Final = "derived.sha256"
NAME_LIMIT: Final = 200

REPORT_STAGE: Final = "report"
"""The stage that findings leave out: it makes them, and they are the same whenever they are made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a run was asked and where it ran. Pairs are (name, value), for people to read."""

    experiment: Experiment
    run: str
    started: str
    command: str
    dataset: tuple[tuple[str, str], ...]
    operations: tuple[str, ...]
    environment: tuple[tuple[str, str], ...]
    settings: tuple[tuple[str, str], ...]
    budget: float | None
    seed: int
    schema_version: int = field(default=SCHEMA_VERSION)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvenAnswer:
    """The answer to one key that was proven right: what the generator holds every answer against.

    `then` are its further trips, as (method, path, body), and after a prelude all of them. `statements` are those that
    the database counted when it was asked for last; None where nobody counted. Where bytes `vary` from one answer to
    the next, the status alone is held against.
    """

    key: int
    status: int
    length: int
    checksum: int
    statements: int | None = None
    then: tuple[tuple[str, str, bytes | None], ...] = ()
    vary: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CellProof:
    """What proof and evidence say of one cell: its pilot time in seconds, or why it is void.

    Evidence is of the first key, cold and warm; `others` is that of the other keys, cold, where it was asked for, and
    `pages` that of pages by their size. Where a limit ended a request it takes more than `more_than` seconds.
    """

    cell: int
    seconds: float
    answers: tuple[ProvenAnswer, ...]
    cold: Evidence | None = None
    warm: Evidence | None = None
    others: tuple[Evidence, ...] = ()
    pages: tuple[tuple[int, Evidence], ...] = ()
    void: str = ""
    more_than: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AloneStatement:
    """The SQL by which PostgreSQL alone gives the answer to one key, proven right, and what it took, in seconds.

    `paging` is the way in which the page is asked for. The answers of `faces` have as many values as it writes.
    """

    operation: str
    key: int
    sql: str
    seconds: float
    paging: str = ""
    faces: tuple[str, ...] = ("rest", "graphql")


@dataclass(frozen=True, slots=True, kw_only=True)
class AloneTimes:
    """What a key's statement took by itself, run after run of one client, the first ones included."""

    operation: str
    key: int
    microseconds: tuple[int, ...]
    paging: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofRecord:
    """The proof stage's result: per cell; how many answers were compared; the statements of PostgreSQL alone."""

    cells: tuple[CellProof, ...]
    proofs: tuple[Proof, ...]
    notes: tuple[str, ...] = ()
    changed: tuple[AnswerChange, ...] = ()
    accepted: tuple[AnswerChange, ...] = ()
    alone: tuple[AloneStatement, ...] = ()


@dataclass(frozen=True, slots=True)
class RunFolder:
    """One run's folder."""

    path: Path

    @property
    def samples(self) -> Path:
        """The folder of sample files."""
        return self.path / "samples"

    @property
    def blocks(self) -> Path:
        """The folder of the blocks' scripts and reports."""
        return self.path / "blocks"

    def sample_file(self, block: int | None) -> Path:
        """Block `block`'s raw samples; None is the pilot of a run under load."""
        return self.samples / f"{_block_name(block)}.samples"

    def script_file(self, block: int | None) -> Path:
        """What block `block`'s generator was given."""
        return self.blocks / f"{_block_name(block)}.script.json"

    def report_file(self, block: int | None) -> Path:
        """What block `block`'s generator reported; missing when it was interrupted."""
        return self.blocks / f"{_block_name(block)}.report.json"

    def alone_file(self, block: int | None) -> Path:
        """What PostgreSQL alone took before block `block`'s load and after it."""
        return self.blocks / f"{_block_name(block)}.alone.json"

    def statements_file(self, block: int | None) -> Path:
        """What the database counted while block `block` was loaded."""
        return self.blocks / f"{_block_name(block)}.statements.json"

    def connections_file(self, block: int | None) -> Path:
        """How many connections the databases had while block `block` was loaded."""
        return self.blocks / f"{_block_name(block)}.connections.json"

    def set_aside(self, block: int | None) -> None:
        """Makes room for a block that was interrupted to be run again; what it left is kept under other names."""
        (self.path / SEAL_DERIVED).unlink(missing_ok=True)
        name = _block_name(block)
        folders = (self.samples, self.blocks)
        kept = {path.name.split(".")[0] for folder in folders for path in folder.glob(f"interrupted-*-{name}.*")}
        for folder in folders:
            for path in folder.glob(f"{name}.*"):
                path.rename(path.with_name(f"interrupted-{len(kept) + 1}-{path.name}"))

    def save(self, name: str, value: object) -> None:
        """Writes `value` as `name`.json: what was derived before does not hold any more."""
        (self.path / SEAL_DERIVED).unlink(missing_ok=True)
        write(value, self.path / f"{name}.json")

    @property
    def manifest(self) -> Manifest:
        """The manifest. Raises LabError when it is missing, damaged or of another version."""
        return read(self.path / "manifest.json", Manifest)

    @property
    def is_whole(self) -> bool:
        """Whether the run came to its end: its last stage is the report."""
        return any(stage.name == REPORT_STAGE for stage in self.stages)

    @property
    def proof(self) -> ProofRecord:
        """What was proven and counted: nothing, where the run ended before that."""
        return read_if_there(self.path / "proof.json", ProofRecord) or ProofRecord(cells=(), proofs=())

    @property
    def has_plan(self) -> bool:
        """Whether the run came as far as its plan."""
        return (self.path / "plan.json").exists()

    @property
    def plan(self) -> Plan:
        """How the budget was shared."""
        return read(self.path / "plan.json", Plan)

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The stages that ended, with their wall times."""
        return read_if_there(self.path / "stages.json", tuple[Stage, ...]) or ()

    @property
    def load(self) -> LoadFindings | None:
        """What was found under load, as it was last derived; None where nothing was loaded."""
        return read_if_there(self.path / "load.json", LoadFindings)

    @property
    def calibration(self) -> Calibration | None:
        """The calibration that was the newest when a run under load began."""
        return read_if_there(self.path / "calibration.json", Calibration)

    @property
    def gate(self) -> GateFindings | None:
        """What a gate found; None where there was none."""
        return read_if_there(self.path / "gate.json", GateFindings)

    @property
    def findings(self) -> Findings:
        """The findings as they were last derived."""
        return read(self.path / "findings.json", Findings)


def _block_name(block: int | None) -> str:
    return "pilot" if block is None else f"block-{block:02d}"


def check_writable(root: Path = ROOT) -> None:
    """Raises LabError when runs cannot be kept in `root`: better told before the work than after it."""
    try:
        root.mkdir(exist_ok=True)
        with TemporaryFile(dir=root):
            pass
    except OSError as error:
        raise LabError(
            f"cannot write to {root}: {error.strerror}", hint="free the disk or mend its permissions"
        ) from error


def new_run(experiment: str, *, root: Path = ROOT) -> RunFolder:
    """A new, empty folder for a run of `experiment`, named by the time in UTC. Raises LabError if it cannot be made."""
    run = datetime.now(tz=UTC).strftime("%Y-%m-%dT%H-%M-%S")
    for suffix in ("", *(f"-{number}" for number in range(2, 100))):
        path = root / experiment / f"{run}{suffix}"
        try:
            path.mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError as error:
            raise LabError(
                f"cannot make {path}: {error.strerror}", hint="free the disk or mend its permissions"
            ) from error
        folder = RunFolder(path.resolve())
        folder.samples.mkdir()
        folder.blocks.mkdir()
        return folder
    raise LabError(f"{root / experiment / run} exists a hundred times", hint="wait a second and start again")


def find_run(name: str, *, root: Path = ROOT, has: str = "manifest.json") -> RunFolder:
    """The run folder that `name` means: a path, `experiment/run`, or `experiment` for its newest run.

    `has` is what makes a folder one. Raises LabError where there is none.
    """
    missing = LabError(f"there is no run {name[:80]!r}", hint="name its folder, as in results/toggles/<run>")
    candidates: Sequence[Path] = (Path(name), root / name)
    for path in candidates:
        if len(name) > NAME_LIMIT:
            break
        if (path / has).exists():
            return RunFolder(path.resolve())
        runs = sorted(child for child in path.glob("*") if (child / has).exists()) if path.is_dir() else []
        if runs:
            return RunFolder(runs[-1].resolve())
    raise missing
