"""Yields `Services`, the PostgreSQL and the cache that a run measures on: embedded ones, or those of the settings.

It creates no database of the dataset and starts no API server.
"""

import errno
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from lab.binaries import servers_binaries
from lab.errors import LabError
from lab.folder import locked, server_folder
from lab.postgres import embedded_postgres, given_postgres
from lab.processes import Supervisor
from lab.valkey import embedded_valkey, given_cache


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Where the services of a run are, and what the manifest says of them. The URLs hold passwords."""

    postgres_url: str
    cache_url: str
    postgres_version: str
    cache_version: str
    postgres_embedded: bool
    cache_embedded: bool
    statement_counter: bool
    settings: tuple[tuple[str, str], ...]

    @property
    def kinds(self) -> tuple[tuple[str, str], ...]:
        """What the manifest says of them: their versions, and whose they are."""
        return (
            ("PostgreSQL", f"{self.postgres_version}, {'embedded' if self.postgres_embedded else 'given'}"),
            ("cache", f"{self.cache_version}, {'embedded' if self.cache_embedded else 'given'}"),
        )


@contextmanager
def open_services(folder: Path, supervisor: Supervisor, *, environment: Mapping[str, str]) -> Iterator[Services]:
    """Own the lab folder and have both services ready until the end of the block.

    DATABASE_URL and CACHE_URL in `environment` name servers to use; one that is empty or missing is embedded.
    Raises LabError: folder in use or not writable, a service that does not start, answer or suffice.
    """
    with ExitStack() as stack:
        try:
            owned = stack.enter_context(locked(folder))
            # Given servers first: a wrong URL is told before anything is started.
            postgres = given_postgres(url) if (url := environment.get("DATABASE_URL", "")) else None
            cache = given_cache(url) if (url := environment.get("CACHE_URL", "")) else None
            if postgres is None or cache is None:
                home = stack.enter_context(server_folder(owned))
                binaries = servers_binaries(home)
                if postgres is None:
                    running = embedded_postgres(home, binaries=binaries, supervisor=supervisor)
                    postgres = stack.enter_context(running)
                if cache is None:
                    cache = stack.enter_context(embedded_valkey(home, binaries=binaries, supervisor=supervisor))
        except OSError as error:
            raise _folder_error(folder, error=error) from error
        yield Services(
            postgres_url=postgres.url,
            cache_url=cache.url,
            postgres_version=postgres.version,
            cache_version=cache.version,
            postgres_embedded=postgres.embedded,
            cache_embedded=cache.embedded,
            statement_counter=postgres.statement_counter,
            settings=postgres.settings,
        )


def _folder_error(folder: Path, *, error: OSError) -> LabError:
    hints = {
        errno.ENOSPC: "free some space: the lab needs about 200 MB, and 2 GB for the medium dataset",
        errno.EDQUOT: "free some space: the lab needs about 200 MB, and 2 GB for the medium dataset",
        errno.EROFS: "put the checkout on a file system that can be written",
        errno.ENOENT: f"make the folder {folder.parent} first",
    }
    owner = f"if another user or root ran the lab here before, remove {folder} as that user"
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    what = f"{folder if full else error.filename or folder}: {error.strerror or error}"
    return LabError(f"the lab folder cannot be used: {what}", hint=hints.get(error.errno or 0, owner))
