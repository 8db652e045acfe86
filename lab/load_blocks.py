"""Yields the raw samples of a run under load: a pilot, then blocks of trials, each with a server of its own.

It looks at no sample.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from lab.evidence import Witness
from lab.experiment import LoadDesign
from lab.generate import LostWorkerError, generate
from lab.json_files import read, write
from lab.load import Loader
from lab.load_plan import ArmLoad, LoadPlan, trial_of
from lab.load_statements import StatementCount
from lab.operations import Visits
from lab.progress import Advance
from lab.results import CellProof, ProofRecord
from lab.script import Line
from lab.server import boot
from lab.trial import LoadReport, LoadScript, Observed

CONNECTIONS: Final = 64
"""Connections that requests take in turn. The kernel deals them out to a server's workers by chance, and few of them so
unevenly that eight were seen to keep one of two workers idle for a whole block."""

REQUEST_SECONDS: Final = 10.0
"""When a request of a trial counts as failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadBlocks:
    """What pilot and blocks have in common: `observed` are processes beside the server whose CPU time is read.

    `witness` is the database, which counts the statements that it is sent.
    """

    loader: Loader
    design: LoadDesign
    visits: Visits
    proof: ProofRecord
    seed: int
    observed: tuple[Observed, ...]
    witness: Witness

    @property
    def loadable(self) -> tuple[int, ...]:
        """The arms all of whose visits are proven, by number."""
        proven = {(proof.cell, answer.key) for proof in self.proof.cells if not proof.void for answer in proof.answers}
        cells = {(cell.arm, cell.operation): cell.index for cell in self.loader.cells if cell.arm}
        return tuple(
            number
            for number, arm in enumerate(self.loader.experiment.arms)
            if all((cells[arm, operation], key) in proven for operation, key in self.visits.sequence)
        )

    def pilot(self, loads: Sequence[ArmLoad], *, advance: Advance) -> None:
        """Runs the pilot's loads in their order."""
        self._block(None, loads, show=lambda samples: advance(note=f"{samples} requests"))

    def run(self, plan: LoadPlan, *, advance: Advance) -> None:
        """Runs every block that has no whole report yet. One that lost a worker is kept, and void.

        Raises LabError when a server or the generator fails; what was sampled until then is on disk.
        """
        started = time.monotonic()
        missing = [index for index in range(plan.blocks) if not self._is_done(index, trials=len(plan.loads))]
        for index in missing:

            def show(samples: int, *, block: int = index) -> None:
                advance(done=time.monotonic() - started, note=f"block {block + 1} of {plan.blocks}, {samples} requests")

            with suppress(LostWorkerError):
                self._block(index, plan.block(index), show=show)

    def _is_done(self, index: int, *, trials: int) -> bool:
        """Whether an earlier try at this run, if there was one, came to the block's end."""
        path = self.loader.folder.report_file(index)
        return path.exists() and read(path, LoadReport).is_done(trials)

    def _block(self, index: int | None, loads: Sequence[ArmLoad], *, show: Callable[[int], None]) -> None:
        loader = self.loader
        loader.folder.set_aside(index)
        running = boot(loader.experiment.servers, surroundings=loader.surroundings, supervisor=loader.supervisor)
        [server] = running.values()
        # On few cores the generator would wait for those that it measures, and be late.
        loader.supervisor.give_way()
        try:
            lines, sequences = self._lines({load.arm for load in loads}, url=server.url)
            script = LoadScript(
                samples=str(loader.folder.sample_file(index)), report=str(loader.folder.report_file(index)),
                lines=tuple(lines), connections=CONNECTIONS, request_seconds=REQUEST_SECONDS,
                workers=self.design.workers, observed=(Observed(name="server", pid=server.pid), *self.observed),
                trials=tuple(
                    trial_of(load, sequence=sequences[load.arm], seed=f"{self.seed}/{index}/{load.step}")
                    for load in loads
                ),
            )  # fmt: skip
            before = self.witness.statements_so_far()
            generate(
                script, supervisor=loader.supervisor, script_file=loader.folder.script_file(index),
                logs=loader.surroundings.logs, token=loader.surroundings.token, show=show,
            )  # fmt: skip
            after = self.witness.statements_so_far()
            counted = None if before is None or after is None else after - before
            write(StatementCount(counted=counted), loader.folder.statements_file(index))
        finally:
            loader.supervisor.stop(server.process)

    def _lines(self, arms: set[int], *, url: str) -> tuple[list[Line], Mapping[int, tuple[int, ...]]]:
        """Every request of the visits at every arm, and by arm the visits as indices into them."""
        lines: list[Line] = []
        sequences: dict[int, tuple[int, ...]] = {}
        proofs: Mapping[int, CellProof] = {proof.cell: proof for proof in self.proof.cells}
        for number in sorted(arms):
            arm, places = self.loader.experiment.arms[number], {}
            for cell in self.loader.cells:
                if cell.arm == arm:
                    for answer in proofs[cell.index].answers:
                        places[cell.operation, answer.key] = len(lines)
                        lines.append(self.loader.line(cell, key=answer.key, proof=proofs[cell.index], url=url))
            sequences[number] = tuple(places[step] for step in self.visits.sequence)
        return lines, sequences
