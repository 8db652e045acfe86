"""Yields a block's raw samples: fresh servers, one generator process, one script. It looks at no sample."""

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from lab.ceiling import Ceiling, cost_of, seconds_of
from lab.errors import LabError
from lab.experiment import Experiment
from lab.json_files import read, write
from lab.operations import Keyed
from lab.plan import Ask, BlockPlan, Plan, PlannedCell, plan_block, plan_run, turns
from lab.processes import Supervisor
from lab.progress import Advance
from lab.recorder import samples_in
from lab.requests import request_headers
from lab.results import AloneTimes, CellProof, ProofRecord, RunFolder
from lab.script import TOKEN_VARIABLE, Line, Report, Script, Trip
from lab.server import TREE, Running, Surroundings, boot, floor_path, plain_environment
from lab.verdict import void_reasons

OVERTIME: Final = 90.0
"""Seconds that a block may take beyond its share before it counts as hung."""

SPARE_SHARE: Final = 0.15
"""What may be spent beyond the budget, as a share of it, on blocks in place of void ones."""

BOOT_SECONDS: Final = 1.3
"""What booting the servers and the generator of a block costs of its share of the budget, as seen on two cores."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loader:
    """What proof and load of one run have in common: what is asked, of what, and where results go.

    With a `ceiling` PostgreSQL alone is timed in every block too. A block's servers take `boot_seconds`.
    """

    experiment: Experiment
    operations: Sequence[Keyed]
    cells: Sequence[PlannedCell]
    surroundings: Surroundings
    supervisor: Supervisor
    folder: RunFolder
    ceiling: Ceiling | None = None
    boot_seconds: float = BOOT_SECONDS

    def run(self, record: ProofRecord, *, budget: float, seed: int, advance: Advance) -> None:
        """Plans by the proof's times and runs every block that has no report yet, each with processes of its own.

        Raises LabError when a server or the generator fails; what was sampled until then is on disk.
        """
        plan = self.folder.plan if self.folder.has_plan else self._planned(record, budget=budget, seed=seed)
        started = time.monotonic()
        self._blocks(plan, range(plan.blocks), record=record, advance=advance)
        block_seconds = (time.monotonic() - started) / plan.blocks
        for index, reason in void_reasons(self._reports(plan)).items():
            if reason and time.monotonic() - started + block_seconds < (1 + SPARE_SHARE) * budget:
                self._blocks(plan, [plan.spare(index)], record=record, advance=advance)

    def _planned(self, record: ProofRecord, *, budget: float, seed: int) -> Plan:
        timed = self.pilots({proof.cell: proof for proof in record.cells})
        plan = plan_run(
            timed, budget=budget, blocks=self.experiment.blocks, keys=self.experiment.keys, seed=seed,
            boot_seconds=self.boot_seconds + cost_of(record.alone, block=budget / self.experiment.blocks),
        )  # fmt: skip
        self.folder.save("plan", plan)
        return plan

    def pilots(self, proofs: Mapping[int, CellProof]) -> list[PlannedCell]:
        """The cells that can be timed, each with the time that its proof took."""
        return [replace(c, seconds=proofs[c.index].seconds) for c in self.cells if not proofs[c.index].void]

    def confirm(self, record: ProofRecord, *, advance: Advance) -> None:
        """Runs half the blocks again, with orders of their own, to confirm an alarm or to settle what is unclear."""
        plan = self.folder.plan
        self._blocks(plan, plan.confirming, record=record, advance=advance)

    def block(self, plan: Plan, *, index: int, record: ProofRecord, show: Callable[[int], None]) -> None:
        """Runs one block, unless an earlier try at this run came to its end; `show` is told of samples meanwhile."""
        if not self._is_done(index):
            self._block(plan_block(plan, index=index), record=record, show=show)

    def _reports(self, plan: Plan) -> dict[int, Report]:
        return {index: read(self.folder.report_file(index), Report) for index in range(plan.blocks)}

    def _blocks(self, plan: Plan, indices: Sequence[int], *, record: ProofRecord, advance: Advance) -> None:
        started, requests = time.monotonic(), 0
        for index in (each for each in indices if not self._is_done(each)):

            def show(samples: int, *, block: int = index, before: int = requests) -> None:
                advance(
                    done=time.monotonic() - started,
                    note=f"block {block + 1} of {plan.blocks}, {before + samples} requests",
                )

            report = self._block(plan_block(plan, index=index), record=record, show=show)
            requests += report.requests

    def _is_done(self, index: int) -> bool:
        """Whether an earlier try at this run, if there was one, came to the block's end."""
        path = self.folder.report_file(index)
        return path.exists() and not read(path, Report).error

    def _block(self, block: BlockPlan, *, record: ProofRecord, show: Callable[[int], None]) -> Report:
        self.folder.set_aside(block.index)
        before = self._alone(record, block=block)
        report = self._loaded(block, proofs={proof.cell: proof for proof in record.cells}, show=show)
        if times := (*before, *self._alone(record, block=block)):
            write(times, self.folder.alone_file(block.index))
        return report

    def _alone(self, record: ProofRecord, *, block: BlockPlan) -> tuple[AloneTimes, ...]:
        """What PostgreSQL alone takes now, half as long as it is timed in a block; no server and no load runs."""
        if self.ceiling is None:
            return ()
        return self.ceiling.times(record.alone, seconds=seconds_of(record.alone, block=block.seconds) / 2)

    def _loaded(self, block: BlockPlan, *, proofs: Mapping[int, CellProof], show: Callable[[int], None]) -> Report:
        running: dict[str, Running] = {}
        try:
            with self.supervisor.unpinned():
                # It waits for its script, and starts meanwhile.
                self._spawn_generator(self.folder.script_file(block.index))
                running = self.booted(block)
            return self._generate(block, proofs=proofs, running=running, show=show)
        finally:
            self.supervisor.stop("generator")
            for each in running.values():
                self.supervisor.stop(each.process)

    def booted(self, block: BlockPlan) -> dict[str, Running]:
        """A block's servers by name: which boots first, and so gets which port, changes from block to block."""
        order = self.experiment.servers[:: 1 if block.index % 2 == 0 else -1]
        return boot(order, surroundings=self.surroundings, supervisor=self.supervisor)

    def asked_of(self, block: BlockPlan) -> Callable[[Ask], str]:
        """The server that each request of a block is for."""
        return turns(self.cells, servers=[server.name for server in self.experiment.servers], block=block.index)

    def settled(self, running: Mapping[str, Running]) -> tuple[str, ...]:
        """The URLs that have servers settle between warm-up and measuring."""
        return tuple(f"{each.url}/settle" for each in running.values())

    def environment(self) -> dict[str, str]:
        """What a generator gets to know beside its script, which people share."""
        return {TOKEN_VARIABLE: self.surroundings.token}

    def _spawn_generator(self, script: Path) -> None:
        self.supervisor.spawn(
            name="generator",
            argv=[sys.executable, "-m", "lab.generator", str(script)],
            env={**plain_environment(), **self.environment()},
            cwd=TREE,
            log=self.surroundings.logs / "generator.log",
        )

    def _generate(
        self, block: BlockPlan, *, proofs: Mapping[int, CellProof], running: Mapping[str, Running],
        show: Callable[[int], None],
    ) -> Report:  # fmt: skip
        samples, script = self.folder.sample_file(block.index), self.folder.script_file(block.index)
        write(self._script(block, proofs=proofs, running=running), script)
        deadline = time.monotonic() + block.warm_seconds + block.seconds + OVERTIME
        while (code := self.supervisor.poll("generator")) is None:
            show(samples_in(samples))
            if time.monotonic() > deadline:
                raise LabError("a block hung", hint=f"see {self.surroundings.logs}; then start the run again")
            time.sleep(0.1)
        path = self.folder.report_file(block.index)
        if code or not path.exists():
            said = read(path, Report).error if path.exists() else self.supervisor.log_tail("generator")
            raise LabError(f"the load generator failed: {said}", hint=f"see {self.surroundings.logs}")
        return read(path, Report)

    def _script(self, block: BlockPlan, *, proofs: Mapping[int, CellProof], running: Mapping[str, Running]) -> Script:
        lines: list[Line] = []
        at: dict[tuple[Ask, str], int] = {}
        cells = {cell.index: cell for cell in self.cells}
        asked_of = self.asked_of(block)

        def index(ask: Ask) -> int:
            server = asked_of(ask)
            if (ask, server) not in at:
                at[ask, server] = len(lines)
                line = self.line(cells[ask.cell], key=ask.key, proof=proofs[ask.cell], url=running[server].url)
                lines.append(line)
            return at[ask, server]

        def indices(passes: Sequence[Sequence[Ask]]) -> tuple[tuple[int, ...], ...]:
            return tuple(tuple(index(ask) for ask in each) for each in passes)

        warm, passes = indices(block.warm), indices(block.passes)
        return Script(
            samples=str(self.folder.sample_file(block.index)), report=str(self.folder.report_file(block.index)),
            lines=tuple(lines), warm=warm, passes=passes, warm_seconds=block.warm_seconds, seconds=block.seconds,
            settle=self.settled(running),
        )  # fmt: skip

    def line(self, cell: PlannedCell, *, key: int, proof: CellProof, url: str) -> Line:
        """The request of a cell for one of its keys, to the server at `url`, with the answer that was proven."""
        proven = next((answer for answer in proof.answers if answer.key == key), None)
        if proven is None:
            raise LabError(
                f"{cell.operation} was so slow in the proof that not all of its answers were proven",
                hint="start a new run, on a quiet machine",
            )
        if cell.arm is None or cell.arm.is_bare:
            trips = [Trip(method="GET", url=url + floor_path(proven.length), body=None)]
            headers = {}
        else:
            keyed = next(each for each in self.operations if each.operation.name == cell.operation)
            request = keyed.operation.request(cell.face, keyed.keys[key], cell.arm.paging)
            own = () if request.is_prelude else ((request.method, request.path, request.body),)
            asked = (*own, *proven.then)
            trips = [Trip(method=method, url=url + path, body=body) for method, path, body in asked]
            headers = request_headers(request, arm=cell.arm, credentials=self.surroundings.credentials)
        first, *then = trips
        return Line(
            cell=cell.index, key=key, method=first.method, url=first.url, headers=tuple(headers.items()),
            body=first.body, status=proven.status, length=proven.length, checksum=proven.checksum, then=tuple(then),
        )  # fmt: skip
