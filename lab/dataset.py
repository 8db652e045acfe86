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

    `identity` is the text that the databases carry and a server repeats. Seconds are 0 for what was kept.
    """

    indexed_url: str
    bare_url: str
    identity: str
    size: str
    seed: int
    rows: int
    fingerprint: str
    load_seconds: float
    clone_seconds: float

    @property
    def facts(self) -> tuple[tuple[str, str], ...]:
        """What the manifest says of it."""
        return (
            ("size", self.size),
            ("seed", str(self.seed)),
            ("rows", f"{self.rows:,}"),
            ("fingerprint", self.fingerprint),
        )


def prepare_dataset(*, server_url: str, size: str, seed: int, folder: Path) -> Dataset:
    """Fresh databases of the dataset on the server at `server_url`; the door draws its own progress.

    Raises LabError with the door's own words when it fails.
    """
    result = folder / "dataset.json"
    result.unlink(missing_ok=True)
    command = [sys.executable, "-m", "fixtures", "--size", size, "--seed", str(seed), "--result", str(result)]
    environment = {**plain_environment(), **_terminal(), "DATABASE_URL": server_url}
    done = subprocess.run(command, cwd=TREE, env=environment, check=False, stdout=subprocess.DEVNULL)
    if done.returncode or not result.exists():
        raise LabError("the dataset could not be made", hint="the lines above say why")
    dataset = read(result, Dataset)
    result.unlink()
    for url in (dataset.indexed_url, dataset.bare_url):
        measuring_settings(server_url, parse_dsn(url)["dbname"])
    return dataset


def _terminal() -> dict[str, str]:
    return {name: os.environ[name] for name in ("TERM", "COLUMNS", "NO_COLOR", "FORCE_COLOR") if name in os.environ}
