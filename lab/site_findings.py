"""Yields what is known of all runs, as values that the site's page reads. It computes nothing.

Addresses are relative to the page.
"""

from dataclasses import dataclass, field
from typing import Final

SITE_VERSION: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteRun:
    """One run: what it asked and answered, and the address of its report; `fault` is why it cannot be read."""

    experiment: str
    run: str
    page: str = ""
    question: str = ""
    answer: str = ""
    started: str = ""
    commit: str = ""
    machine: str = ""
    dataset: str = ""
    complete: bool = False
    cells: int = 0
    void: int = 0
    fault: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteTrend:
    """The trend of an experiment's runs, or of a history: how many comparisons it follows, and how many changed."""

    name: str
    page: str
    runs: int
    series: int
    changed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteLink:
    """Another page below the same root: a comparison, a calibration, a load on one URL."""

    name: str
    page: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """All runs, the newest of each experiment first, with their trends and the other pages."""

    runs: tuple[SiteRun, ...]
    trends: tuple[SiteTrend, ...]
    histories: tuple[SiteTrend, ...]
    others: tuple[SiteLink, ...]
    schema_version: int = field(default=SITE_VERSION)
