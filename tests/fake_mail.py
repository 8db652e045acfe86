"""Yields the folder of a run with mails with planted times: each order of a trial takes the same."""

from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from experiments.background_email import EXPERIMENT
from lab.json_files import write
from lab.mail_room import Seen
from lab.mail_trials import MailBlock, MailTrial, OutboxRow
from lab.recorder import MAGIC, SAMPLE, frame
from lab.results import Manifest, RunFolder

ANSWERED: Final = (0.05, 0.02, 0.015)
DELIVERED: Final = (0.01, 0.05, 0.04)
"""Seconds by server, as the experiment lists them, at its lowest rate; at others more."""

ORDERS: Final = 12


def mail_run(path: Path, *, blocks: int = 2) -> RunFolder:
    """A whole run of `background_email`, of which each block is a tenth slower than the one before."""
    folder = RunFolder(path)
    for part in (path, folder.samples, folder.blocks):
        part.mkdir(parents=True)
    assert EXPERIMENT.mail
    experiment = replace(EXPERIMENT, mail=replace(EXPERIMENT.mail, blocks=blocks))
    folder.save(
        "manifest",
        Manifest(
            experiment=experiment, run=path.name, started="2026-01-01T00:00:00+00:00", command="test",
            dataset=(("size", "small"),), operations=(), environment=(("cores", "2"),), settings=(), budget=None,
            seed=1,
        ),
    )  # fmt: skip
    folder.save("missing", ())
    for block in range(blocks):
        trials = []
        for server, own in enumerate(experiment.servers):
            for rate in EXPERIMENT.mail.rates:
                slower = 1.1**block * rate / EXPERIMENT.mail.rates[0]
                trials.append(_trial(own.name, rate=rate, delivered=DELIVERED[server] * slower))
                name = f"mail-{block:02d}-{server}-{rate:g}.samples"
                (folder.samples / name).write_bytes(MAGIC + frame(_samples(ANSWERED[server] * slower)))
        write(MailBlock(trials=tuple(trials)), folder.blocks / f"mail-{block:02d}.json")
    return folder


def _samples(taken: float) -> np.ndarray:
    rows = np.zeros(ORDERS, dtype=SAMPLE)
    rows["due"] = rows["sent"] = np.arange(ORDERS) * 100_000_000
    rows["done"] = rows["due"] + round(taken * 1e9)
    return rows


def _trial(server: str, *, rate: float, delivered: float) -> MailTrial:
    made = [100.0 + number / 10 for number in range(ORDERS)]
    return MailTrial(
        server=server, rate=rate, tasks=ORDERS,
        outbox=tuple(
            OutboxRow(id=str(number), made_at=at, published_at=at + delivered / 2, state="sent")
            for number, at in enumerate(made)
        ),
        seen=tuple(
            Seen(ns=round((at + delivered) * 1e9), what="taken", id=f"<{number}@windtunnel.example>", port=1)
            for number, at in enumerate(made)
        ),
    )  # fmt: skip
