"""Yields what a run under load found, from its folder alone: the same bytes in, the same findings out."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from lab import load_costs, wording
from lab.bare_costs import costs
from lab.derive import planned_cells
from lab.effect import Array
from lab.experiment import Arm, LoadDesign, Server
from lab.findings import Findings
from lab.json_files import read
from lab.latency import merged
from lab.load_findings import SHARES, Gain, LoadCell, LoadFindings, Scalability
from lab.load_plan import ArmLoad, LoadPlan
from lab.load_seen import Seen, blocks_done, plan_of, seen_by_load, started_blocks, statements_in
from lab.load_statements import Request, statements_due
from lab.recorder import Fault
from lab.results import REPORT_STAGE, Manifest, RunFolder
from lab.scalability import capacity, fit_usl, knee
from lab.scatter import around, mean_of, ratio_of
from lab.trial import LoadReport
from lab.validity import GENERATOR

WRONG = {Fault.STATUS, Fault.SIZE, Fault.CONTENT, Fault.GRAPHQL_ERRORS}
"""Faults of an answer that came: what was timed then is not what was proven."""

FEW = 100
"""Requests of a block below which its 99th percentile is little else than its slowest request."""


def derive_load(folder: RunFolder) -> LoadFindings:
    """What was found under load in the run in `folder`, also in one that was interrupted."""
    return _LoadDerivation(folder).found()


def load_summary(folder: RunFolder, found: LoadFindings) -> Findings:
    """The findings of a run under load: its answer and what it ran on; it has no cells of single requests."""
    manifest = folder.manifest
    proof = folder.proof
    plan = plan_of(folder)
    return Findings(
        experiment=manifest.experiment.name, run=manifest.run, question=manifest.experiment.question,
        answer=wording.load_answer(found, proofs=proof.proofs), dataset=manifest.dataset,
        knobs=tuple(knob.name for knob in manifest.experiment.knobs), held=manifest.experiment.variant,
        complete=plan is not None and blocks_done(folder, plan) == plan.blocks and not found.damages,
        cells=(), effects=(), waterfalls=(), proofs=proof.proofs, blocks=(),
        stages=tuple(stage for stage in folder.stages if stage.name != REPORT_STAGE),
        environment=manifest.environment, settings=manifest.settings, command=manifest.command,
        notes=(*proof.notes, *(f"A block is left out whole: {damage}." for damage in found.damages)),
    )  # fmt: skip


@dataclass
class _LoadDerivation:
    """The intermediate values of one derivation, each made once."""

    folder: RunFolder

    @cached_property
    def manifest(self) -> Manifest:
        return self.folder.manifest

    @cached_property
    def design(self) -> LoadDesign:
        assert self.manifest.experiment.load is not None  # noqa: S101 - only runs under load are derived here
        return self.manifest.experiment.load

    @cached_property
    def servers(self) -> tuple[str, ...]:
        return tuple(server.name for server in self.manifest.experiment.servers)

    @cached_property
    def arms(self) -> tuple[Arm, ...]:
        return self.manifest.experiment.arms

    @cached_property
    def plan(self) -> LoadPlan:
        empty = LoadPlan(capacities=(0.0,) * len(self.arms), loads=(), blocks=self.design.blocks, seed=0)
        return plan_of(self.folder) or empty

    @cached_property
    def seen(self) -> dict[ArmLoad, list[Seen | None]]:
        """Every load in every block; None where it did not come to its turn."""
        return seen_by_load(self.folder, self.plan, due=self.due)

    @cached_property
    def due(self) -> Request:
        """A request's statements by cell and key."""
        return statements_due(self.folder.proof)

    def found(self) -> LoadFindings:
        ladders = {arm: self._ladder(arm) for arm in range(len(self.arms))} if self.design.users else {}
        cells = tuple(cell for arm in range(len(self.arms)) for cell in self._cells(arm))
        return LoadFindings(
            walk=self.design.walk.partition(":")[2].lower() or "writes",
            server=" or ".join(map(_described, self.design.servers or (self.design.server,))),
            cells=cells,
            scalabilities=tuple(self._scalability(arm, ladder) for arm, ladder in ladders.items()),
            gains=tuple(self._gains(ladders)),
            costs=costs(self.seen, arms=self.arms),
            notes=self._notes(cells),
            damages=self._damages(),
            calibration=self.folder.calibration,
            statements=statements_in(self.folder, self.plan, due=self.due),
        )

    def _cells(self, arm: int) -> list[LoadCell]:
        loads = [load for load in self.plan.loads if load.arm == arm]
        if not loads:
            reason = self._why_not_loaded(arm)
            own = self.arms[arm]
            return [
                LoadCell(
                    face=own.face, variant=own.variant, kind="open", step="every load", level=0.0, state="void",
                    reason=reason,
                )
            ]  # fmt: skip
        return [self._cell(load) for load in loads]

    def _why_not_loaded(self, arm: int) -> str:
        cells = planned_cells(self.manifest.experiment, operations=self.manifest.operations)
        own = {cell.index for cell in cells if cell.arm == self.arms[arm]}
        proofs = self.folder.proof.cells
        voids = [proof.void for proof in proofs if proof.cell in own and proof.void]
        answers = {proof.cell: len(proof.answers) for proof in proofs}
        if voids:
            return voids[0]
        proven: dict[str, int] = {}
        for each in cells:
            if each.index in answers:
                proven[each.operation] = max(proven.get(each.operation, 0), answers[each.index])
        if any(answers[each.index] < proven[each.operation] for each in cells if each.index in own & answers.keys()):
            return "its requests are so slow that not all of its answers were proven"
        return "no answer in the pilot was right" if plan_of(self.folder) else "the run ended before it was loaded"

    def _cell(self, load: ArmLoad) -> LoadCell:
        arm, tries = self.arms[load.arm], [each for each in self.seen[load] if each]
        counted = [each for each in tries if not each.reasons]
        bare = LoadCell(
            face=arm.face, variant=arm.variant, kind=load.kind, step=load.step, level=load.level, state="void",
            generator_share=max((each.trial.generator_share for each in tries), default=0.0),
        )  # fmt: skip
        if fault := self._fault(load):
            return replace(bare, reason=fault)
        total = merged(each.latencies for each in counted)
        p50, p95, p99 = (
            around(total.response.percentile(share), [each.latencies.response.percentile(share) for each in counted])
            for share in (0.5, 0.95, 0.99)
        )
        service_p50, service_p99 = (
            around(total.service.percentile(share), [each.latencies.service.percentile(share) for each in counted])
            for share in (0.5, 0.99)
        )
        return replace(
            bare, state="measured", requests=total.sent, failed=total.failed, late=total.late, unsent=total.unsent,
            offered=total.offered / (len(counted) * load.seconds) if load.kind == "open" else 0.0,
            achieved=mean_of([each.throughput for each in counted]), p50=p50, p95=p95, p99=p99,
            service_p50=service_p50, service_p99=service_p99,
            quantiles=tuple(zip(SHARES, total.response.percentiles(SHARES), strict=True)),
            cpu=load_costs.cpu(counted, servers=self.servers, own=arm.server),
            generator_share=max(each.trial.generator_share for each in counted),
            lateness=total.lateness.percentile(0.99), opened=load_costs.opened(counted), held=load_costs.held(counted),
        )  # fmt: skip

    def _fault(self, load: ArmLoad) -> str:
        """Why a load does not count; nothing where it does."""
        tries = [each for each in self.seen[load] if each]
        counted = [each for each in tries if not each.reasons]
        wrong = sum(each.latencies.faults.get(fault, 0) for each in tries for fault in WRONG)
        if wrong:
            return f"{f'{wrong} answers were' if wrong > 1 else 'one answer was'} not the proven one"
        if len(counted) < 2 or not all(each.latencies.right for each in counted):
            return self._reason(tries, counted=len(counted))
        return ""

    def _reason(self, tries: Sequence[Seen], *, counted: int) -> str:
        if not tries:
            return "the run ended before its turn"
        why = Counter(reason for each in tries for reason in each.reasons[:1]).most_common(1)
        if not why:
            silent = sum(not each.latencies.right for each in tries)
            if counted > 1:
                return f"in {silent} of {len(tries)} blocks no right answer came in the time that counts"
            return f"only {len(tries)} of {self.plan.blocks} blocks came"
        return f"{counted} of {self.plan.blocks} blocks counted: {why[0][0]}"

    def _ladder(self, arm: int) -> Array:
        """Throughput (blocks, steps of users) of an arm; NaN where a block has no valid value, or the whole step."""
        found = np.full((self.plan.blocks, len(self.design.users)), np.nan)
        for load, blocks in self.seen.items():
            if load.arm == arm and load.kind == "closed" and not self._fault(load):
                column = self.design.users.index(int(load.level))
                for row, each in enumerate(blocks):
                    if each and not each.reasons:
                        found[row, column] = each.throughput
        return found

    def _scalability(self, arm: int, ladder: Array) -> Scalability:
        users = np.array(self.design.users, dtype=np.int64)
        highest, bend, law = capacity(ladder), knee(users, ladder), fit_usl(users, ladder)
        at, own = int(users[highest.column]) if highest else None, self.arms[arm]
        return Scalability(
            face=own.face, variant=own.variant, capacity=highest.throughput if highest else None, users=at,
            knee=bend.users, knee_reason=bend.reason, law=law.law, reason=law.reason,
            limit=self._limit(arm, users=at, knee_reason=bend.reason),
        )  # fmt: skip

    def _limit(self, arm: int, *, users: int | None, knee_reason: str) -> str:
        """What ended the growth: the generator, where a step above the capacity's is void by it in most blocks."""
        for load, blocks in self.seen.items():
            if load.arm == arm and load.kind == "closed" and load.level > (users or 0):
                taken = sum(any(GENERATOR in reason for reason in each.reasons) for each in blocks if each)
                if taken > len(blocks) / 2:
                    return "generator"
        return "" if users is None or knee_reason else "server"

    def _gains(self, ladders: Mapping[int, Array]) -> list[Gain]:
        """The capacity of every arm over that of its face's first one, block by block."""
        found = []
        for arm, ladder in ladders.items():
            own = self.arms[arm]
            first = next(number for number, each in enumerate(self.arms) if each.face == own.face)
            highest, reference = capacity(ladder), capacity(ladders[first])
            if arm == first or highest is None or reference is None:
                continue
            logs = np.log(ladder[:, highest.column] / ladders[first][:, reference.column])
            logs = logs[np.isfinite(logs)]
            if len(logs) > 1:
                ratio = ratio_of(logs.tolist())
                found.append(
                    Gain(face=own.face, candidate=own.variant, reference=self.arms[first].variant, ratio=ratio)
                )
        return found

    def _damages(self) -> tuple[str, ...]:
        seen = (each for blocks in self.seen.values() for each in blocks if each)
        return tuple(dict.fromkeys(damage for each in seen for damage in each.damages))

    def _notes(self, cells: Sequence[LoadCell]) -> tuple[str, ...]:
        notes = []
        done = blocks_done(self.folder, self.plan)
        if done < self.plan.blocks:
            notes.append(f"The run ended after {done} of {self.plan.blocks} blocks; what was measured is shown.")
        if self.design.shares or self.design.common is not None:
            notes.append(
                f"An arm's own capacity was taken from a pilot: {self.design.pilot_users} users who wait for their "
                f"answers, for {self.design.pilot_seconds:g} s."
            )
        thin = sum(0 < cell.requests < FEW * self.plan.blocks for cell in cells if cell.state == "measured")
        if thin:
            notes.append(
                f"{thin} of {len(cells)} cells have fewer than {FEW} requests a block: their p99 is close to the "
                "slowest request of each."
            )
        if any(cell.cpu and "PostgreSQL" not in dict(cell.cpu) for cell in cells):
            notes.append("PostgreSQL is a given one: its CPU time is not known and stands in no sum.")
        reports = [read(self.folder.report_file(index), LoadReport) for index in started_blocks(self.folder, self.plan)]
        lost = [name for report in reports for name in report.lost]
        if lost:
            notes.append(f"Blocks are void for lost workers: {', '.join(lost)}.")
        return tuple(notes)


def _described(server: Server) -> str:
    workers = f"{server.workers} worker{'s' * (server.workers != 1)}"
    if server.interface == "asgi":
        return f"{server.program} (ASGI), {workers}"
    return f"{server.program}, {workers} x {server.threads} thread{'s' * (server.threads != 1)}"
