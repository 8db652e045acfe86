"""Yields the databases of a dataset, made by the fixtures' own door in its own process. It writes no row itself."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from psycopg2.extensions import parse_dsn

from lab.errors import LabError
from lab.json_files import read
from lab.postgres import measuring_settings
from lab.server import TREE, plain_environment


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """Two databases with the same rows, with and without secondary indexes, and what names the rows.

    `identity` is the text that the databases carry and a server repeats. `copy_seconds` are those in which tables of
    `heap_bytes` were filled, without keys. Seconds and bytes are 0 for what was kept.
    """

    indexed_url: str
    bare_url: str
    identity: str
    size: str
    seed: int
    rows: int
    fingerprint: str
    clone_seconds: float
    heap_bytes: int
    copy_seconds: float

    @property
    def facts(self) -> tuple[tuple[str, str], ...]:
        """What the manifest says of it."""
        return (
            ("size", self.size),
            ("seed", str(self.seed)),
            ("rows", f"{self.rows:,}"),
            ("fingerprint", self.fingerprint),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why the door made no dataset, and what to do."""

    what: str
    hint: str


def prepare_dataset(*, server_url: str, size: str, seed: int, folder: Path) -> Dataset:
    """Fresh databases of the dataset on the server at `server_url`; the door draws its own progress.

    Raises LabError with the door's own words when it fails.
    """
    result = folder / "dataset.json"
    result.unlink(missing_ok=True)
    command = [sys.executable, "-m", "fixtures", "--size", size, "--seed", str(seed), "--result", str(result)]
    environment = {**plain_environment(), **_terminal(), "DATABASE_URL": server_url}
    # In a group of its own a terminal's Ctrl-C does not reach it: it is ended from here, and says nothing of it.
    done = subprocess.run(
        command, cwd=TREE, env=environment, check=False, stdout=subprocess.DEVNULL, process_group=0
    )  # fmt: skip
    if not result.exists():
        killed = done.returncode < 0
        raise LabError(
            f"making the dataset was ended by signal {-done.returncode}" if killed else "making the dataset failed",
            hint="is the memory enough? Start again" if killed else "the lines above say why",
        )
    if done.returncode:
        failure = read(result, Failure)
        result.unlink()
        raise LabError(f"the dataset could not be made: {failure.what}", hint=failure.hint)
    made = read(result, Dataset)
    result.unlink()
    for url in (made.indexed_url, made.bare_url):
        measuring_settings(server_url, parse_dsn(url)["dbname"])
    return made


def _terminal() -> dict[str, str]:
    return {name: os.environ[name] for name in ("TERM", "COLUMNS", "NO_COLOR", "FORCE_COLOR") if name in os.environ}
