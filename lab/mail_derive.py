"""Yields the findings of a run with mails from its folder alone. It measures nothing.

A server's time at a rate is the mean over blocks of the block's own statistic, with a t interval over blocks; a ratio
is taken within each block, on logs.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lab.experiment import MailDesign
from lab.findings import Interval
from lab.json_files import read
from lab.mail_findings import MailCell, MailFindings, MailGain
from lab.mail_trials import MailBlock, MailTrial
from lab.recorder import Fault, read_samples
from lab.results import RunFolder
from lab.scatter import mean_of, ratio_of

Seconds = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Trial:
    """One trial's times in seconds, and what became of its orders."""

    request: Seconds
    publish: Seconds
    queue: Seconds
    delivery: Seconds
    drain: float
    orders: int
    mails: int
    messages: int
    tasks: int
    tries: int
    failed: int
    lost: int
    extra: int
    reason: str


def derive_mail(folder: RunFolder) -> MailFindings:
    """What the blocks saw that are there."""
    experiment = folder.manifest.experiment
    design = experiment.mail
    assert design is not None  # noqa: S101 - only runs with mails are derived here
    blocks = sorted(folder.blocks.glob("mail-[0-9][0-9].json"))
    names = [server.name for server in experiment.servers]
    trials: dict[tuple[str, float], dict[int, _Trial]] = {}
    damages: list[str] = []
    for path in blocks:
        number = int(path.stem.removeprefix("mail-"))
        for trial in read(path, MailBlock).trials:
            name = f"mail-{number:02d}-{names.index(trial.server)}-{trial.rate:g}.samples"
            rows, damage = read_samples(folder.samples / name)
            damages += [damage] if damage else []
            trials.setdefault((trial.server, trial.rate), {})[number] = _seen(trial, rows=rows, damage=damage)
    missing = dict(read(folder.path / "missing.json", tuple[tuple[str, str], ...]))
    cells = tuple(
        _cell(trials.get((name, rate), {}), server=name, rate=rate, missing=missing.get(name, ""))
        for name in names for rate in design.rates
    )  # fmt: skip
    return MailFindings(
        delay=design.delay, workers=design.workers, seconds=design.seconds, blocks=design.blocks,
        blocks_done=len(blocks), cells=cells, gains=_gains(trials, cells=cells, names=names, design=design),
        notes=tuple(f"{name} was not measured: {reason}" for name, reason in missing.items()),
        damages=tuple(damages),
    )  # fmt: skip


def _seen(trial: MailTrial, *, rows: NDArray[np.void], damage: str) -> _Trial:
    right = rows[rows["fault"] == Fault.NONE]
    taken: dict[str, float] = {}
    for event in trial.seen:
        if event.what == "taken":
            taken.setdefault(event.id.strip("<>").partition("@")[0], event.ns / 1e9)
    copies = Counter(event.id for event in trial.seen if event.what == "taken")
    there = [row for row in trial.outbox if row.id in taken]
    published = [row for row in there if row.published_at is not None]
    last = max((row.made_at for row in trial.outbox), default=0.0)
    return _Trial(
        request=(right["done"] - right["due"]) / 1e9,
        publish=np.array([(row.published_at or 0.0) - row.made_at for row in published]),
        queue=np.array([taken[row.id] - (row.published_at or 0.0) for row in published]),
        delivery=np.array([taken[row.id] - row.made_at for row in there]),
        drain=max(0.0, max(taken.values(), default=last) - last),
        orders=len(trial.outbox), mails=len(there),
        messages=sum(row.published for row in trial.outbox), tasks=trial.tasks,
        tries=sum(row.tried for row in trial.outbox),
        failed=len(rows) - len(right),
        lost=len(trial.outbox) - len(there), extra=sum(copies.values()) - len(copies),
        reason=trial.reason or damage or ("" if len(right) == len(trial.outbox) else _unequal(right, trial)),
    )  # fmt: skip


def _unequal(right: NDArray[np.void], trial: MailTrial) -> str:
    return f"{len(right)} orders were answered, {len(trial.outbox)} are in the outbox"


def _cell(trials: Mapping[int, _Trial], *, server: str, rate: float, missing: str) -> MailCell:
    counted = [trial for trial in trials.values() if not trial.reason and trial.mails]
    reason = missing or next((trial.reason for trial in trials.values() if trial.reason), "")
    # What was lost is told of all trials, also of those that give no time.
    bare = MailCell(
        server=server, rate=rate, state="void", reason=reason or "fewer than two blocks count",
        orders=sum(trial.orders for trial in trials.values()), mails=sum(trial.mails for trial in trials.values()),
        messages=sum(trial.messages for trial in trials.values()), tasks=sum(trial.tasks for trial in trials.values()),
        tries=sum(trial.tries for trial in trials.values()),
        failed=sum(trial.failed for trial in trials.values()), lost=sum(trial.lost for trial in trials.values()),
        extra=sum(trial.extra for trial in trials.values()),
    )  # fmt: skip
    if len(counted) < 2:
        return bare

    def over(read_one: Callable[[_Trial], float]) -> Interval:
        return mean_of([read_one(trial) for trial in counted])

    has_hints = all(len(trial.publish) for trial in counted)
    return replace(
        bare, state="measured", reason=reason,
        request=over(lambda t: float(np.median(t.request))),
        request_p99=over(lambda t: float(np.quantile(t.request, 0.99))),
        publish=over(lambda t: float(np.median(t.publish))) if has_hints else None,
        queue=over(lambda t: float(np.median(t.queue))) if has_hints else None,
        delivery=over(lambda t: float(np.median(t.delivery))),
        delivery_p99=over(lambda t: float(np.quantile(t.delivery, 0.99))),
        drain=over(lambda t: t.drain),
        block_requests=tuple(float(np.median(trial.request)) for trial in counted),
    )  # fmt: skip


def _gains(
    trials: Mapping[tuple[str, float], Mapping[int, _Trial]], *, cells: Sequence[MailCell], names: Sequence[str],
    design: MailDesign,
) -> tuple[MailGain, ...]:  # fmt: skip
    """The others against the first server, where all orders of both have their mails: at equal delivered mail."""
    found = []
    equal = {(cell.server, cell.rate) for cell in cells if cell.state == "measured" and not (cell.lost or cell.failed)}
    for rate in design.rates:
        for name in names[1:]:
            if not {(name, rate), (names[0], rate)} <= equal:
                continue
            own, first = trials[name, rate], trials[names[0], rate]
            both = [block for block in own if block in first and not own[block].reason and not first[block].reason]
            if len(both) < 2:
                continue
            found.append(
                MailGain(
                    server=name, reference=names[0], rate=rate,
                    request=_ratio([(own[b].request, first[b].request) for b in both]),
                    delivery=_ratio([(own[b].delivery, first[b].delivery) for b in both]),
                )
            )  # fmt: skip
    return tuple(found)


def _ratio(pairs: Sequence[tuple[Seconds, Seconds]]) -> Interval:
    """The ratio of medians, over blocks."""
    logs = [float(np.log(np.median(candidate) / np.median(reference))) for candidate, reference in pairs]
    return ratio_of(logs)
