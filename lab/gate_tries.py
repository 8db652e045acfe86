"""Yields the gates that were tried on known code, and the ledger that keeps them. It tries none."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lab.history import read_lines

UNCHANGED: Final = "unchanged"
WHOLE: Final = "whole, unchanged"
SIZING: Final = "sizing"
MISTAKES: Final = "mistakes"
FATTER_PAYLOAD: Final = "fatter payload"

REFERENCE: Final = " reference"
DOSES: Final = {"+1 %": 0.01, "+2 %": 0.02, "+3 %": 0.03, "+5 %": 0.05, "+10 %": 0.10}
KEYS: Final = "10 % of keys twice as slow"
REQUESTS: Final = "1 % of requests 50 times slower"
SLOW_KINDS: Final = (*DOSES, KEYS, REQUESTS, *(f"{dose}{REFERENCE}" for dose in DOSES))
DEFAULT_TOLERANCE: Final = {"+10 %", KEYS, REQUESTS}
"""The kinds that are tried at the default tolerance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """One gate: what was planted, how it ended, after how many seconds, and by which layer; `right` when it had to be.

    `effects` are (face, ratio, low, high, verdict) of service times, head over base; `turns` the planted work by face,
    in turns of an empty loop; `rivals` what the field's common gates compare with their threshold; `plan_seed` drew the
    keys and the orders, or is 0 where the dataset's seed did; `budget` are the seconds for measuring, 0 where they were
    not kept.
    """

    kind: str
    where: str
    operation: str
    code: int
    layer: str
    seconds: float
    said: str
    wanted: str = ""
    tolerance: float = 0.02
    effects: tuple[tuple[str, float, float, float, str], ...] = ()
    blocks: int = 8
    turns: tuple[tuple[str, int], ...] = ()
    rivals: tuple[tuple[str, float], ...] = ()
    plan_seed: int = 0
    budget: float = 0.0

    @property
    def is_unchanged(self) -> bool:
        """Whether base and head are the same code."""
        return self.kind in {UNCHANGED, WHOLE}

    @property
    def is_reference(self) -> bool:
        """Whether it is there to tell how much slower the planted work is, and not whether that is found."""
        return self.kind.endswith(REFERENCE)

    @property
    def is_right(self) -> bool:
        """Whether unchanged code passed, or a mistake was called one, by the layer that had to."""
        if self.is_unchanged:
            return self.code == 0
        if self.is_reference:
            return bool(self.effects)
        return self.code == 1 and self.layer == (self.wanted or self.layer)

    @property
    def is_alarm(self) -> bool:
        """Whether it called unchanged code a regression, whatever the reason, or a change by the layer that had to."""
        return self.code == 1 if self.is_unchanged else self.is_right


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerLine:
    """One gate of the ledger: when, where, of which commit, on which data, and how it ended.

    `commit` is that of the scratch checkout: what lies about in the working tree has no part in a try.
    """

    measured: str
    machine: str
    commit: str
    dataset: str
    seed: int
    tried: Try


def read_ledger(path: Path) -> tuple[LedgerLine, ...]:
    """Every gate that was ever tried so, in its order. Raises LabError for a line that is none."""
    return read_lines(path, LedgerLine)
