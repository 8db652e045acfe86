"""Yields the account that embedded servers run as: an unprivileged one for root, nobody's choice for anyone else.

It creates no account and changes none.
"""

import os
import pwd
from dataclasses import dataclass
from typing import Final

import psutil

from lab.errors import LabError

# Every Linux has some of these, and PostgreSQL wants a uid with a name. `postgres` and `redis` are left out on
# purpose: processes of one uid may signal and trace each other and read each other's files.
CANDIDATES: Final = ("nobody", "daemon", "games", "bin", "sys")


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Whom servers run as. `uid` and `gid` are None where that is simply who we are."""

    name: str
    uid: int | None = None
    gid: int | None = None

    @property
    def owner(self) -> int:
        """The uid that owns the servers' files."""
        return os.geteuid() if self.uid is None else self.uid


def server_account(*, keep: int | None = None) -> Account:
    """The account for embedded servers; `keep` is the uid that owns the data of earlier runs.

    For root: `keep`, else the first candidate that runs no process of a stranger, else the first that exists.
    Processes of other lab folders are no strangers: they run our binaries from folders that only root can make.
    """
    if os.geteuid() != 0:
        return Account(name="")
    known = [entry for name in CANDIDATES if (entry := _entry(name)) is not None and entry.pw_uid != 0]
    if not known:
        raise LabError(
            "PostgreSQL refuses to run as root, and this machine has none of the accounts " + ", ".join(CANDIDATES),
            hint="run the lab as an ordinary user, or set DATABASE_URL and CACHE_URL",
        )
    kept = [entry for entry in known if entry.pw_uid == keep]
    busy = set() if kept else _uids_of_strangers()
    entry = (kept or [entry for entry in known if entry.pw_uid not in busy] or known)[0]
    return Account(name=entry.pw_name, uid=entry.pw_uid, gid=entry.pw_gid)


def _entry(name: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


def _uids_of_strangers() -> set[int]:
    uids = set()
    for process in psutil.process_iter():
        try:
            if "/windtunnel-" not in process.cwd() and "/servers" not in process.cwd():
                uids.add(process.uids().real)
        except psutil.Error:
            continue
    return uids
