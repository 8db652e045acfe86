"""Yields the folders that embedded servers live in, with one owner at a time. It starts no server.

It changes the mode or owner of nothing that it did not make itself.

    .lab/                      0700, for root 0711
        lock                   flock; the owner's pid
        logs/                  what each process wrote
        binaries/              for root only: a copy of the wheels' programs, which nobody but root can change
        servers/               0700, owned by the servers' account: data, password, sockets

Where root's checkout lies in a folder that the servers' account cannot enter, `binaries/` and `servers/` stand in
/var/tmp/windtunnel-<hash>/ instead, beside a record of the folder that they belong to.
"""

import fcntl
import hashlib
import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from lab.account import Account, server_account
from lab.errors import LabError

ELSEWHERE: Final = Path("/var/tmp")  # noqa: S108 - what is found there is used only if root made it
# sun_path holds 108 bytes on Linux and 104 elsewhere; the longest name in the folder is ".s.PGSQL.5432.lock".
SOCKET_FOLDER_BYTES: Final = 84
SERVER_PROGRAMS: Final = ("postgres", "initdb", "valkey-server")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerFolder:
    """Where the servers of one lab folder live, and whom they run as."""

    home: Path
    sockets: Path
    logs: Path
    account: Account

    @property
    def binaries(self) -> Path:
        """Where a copy of the wheels' programs may stand."""
        return self.home.parent / "binaries"

    def write_private(self, name: str, text: str) -> Path:
        """Write a 0600 file that the servers may read, in place of what stood there."""
        path = self.home / name
        path.unlink(missing_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            give(descriptor, self.account)
            file.write(text)
        return path

    def password(self) -> str:
        """The servers' password: random, made once, kept in a 0600 file."""
        try:
            return (self.home / "password").read_text(encoding="utf-8")
        except FileNotFoundError:
            password = secrets.token_urlsafe(24)
            self.write_private("password", password)
            return password

    def has_password(self) -> bool:
        """Whether an earlier run left a password, without which its data is of no use."""
        return (self.home / "password").is_file()

    def make(self, name: str) -> Path:
        """A 0700 folder of the servers."""
        return own_folder(self.home / name, account=self.account)


def give(file: int | Path, account: Account) -> None:
    """Hand a file that we have just made to the servers' account."""
    if account.uid is not None and account.gid is not None:
        os.chown(file, account.uid, account.gid, follow_symlinks=isinstance(file, int))


def own_folder(path: Path, *, account: Account) -> Path:
    """Make a 0700 folder of the account, or accept the one that is there if nobody else can have planted it."""
    try:
        path.mkdir(mode=0o700)
        give(path, account)
    except FileExistsError:
        found = path.lstat()
        private = stat.S_ISDIR(found.st_mode) and stat.S_IMODE(found.st_mode) & 0o077 == 0
        if not private or found.st_uid != account.owner:
            raise LabError(
                f"{path} exists, but is not a private folder (0700) of uid {account.owner}",
                hint=f"look who made it; then remove it: rm -r {path}",
            ) from None
    return path


@contextmanager
def locked(folder: Path) -> Iterator[Path]:
    """Own a lab folder, made where missing, until the end of the block. Raises LabError naming the pid that owns it."""
    folder = folder.resolve()
    try:
        folder.mkdir()
        # Not the umask's business: root's servers must be able to pass through, and nobody need look in.
        folder.chmod(0o711 if os.geteuid() == 0 else 0o700)
    except FileExistsError:
        pass
    with suppress(FileExistsError):
        (folder / "logs").mkdir(mode=0o700)
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = os.pread(descriptor, 32, 0).decode(errors="replace").strip() or "unknown"
            raise LabError(
                f"{folder} is in use by another lab run, pid {pid}", hint=f"wait for it to end, or stop it: kill {pid}"
            ) from None
        os.truncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield folder
    finally:
        os.close(descriptor)


@contextmanager
def server_folder(folder: Path) -> Iterator[ServerFolder]:
    """The servers' folder of a lab folder that is locked; what earlier runs left running in it has been ended."""
    home = home_of(folder)
    keep = home.lstat().st_uid if home.exists() else None
    account = server_account(keep=keep)
    if home.parent != folder:
        _sweep()
        with suppress(FileExistsError):
            home.parent.mkdir()
            home.parent.chmod(0o711)
        if home.parent.lstat().st_uid != 0 or home.parent.is_symlink():
            raise LabError(f"{home.parent} is not root's folder", hint=f"look who made it; then remove {home.parent}")
        (home.parent / "belongs-to").write_text(str(folder), encoding="utf-8")
    own_folder(home, account=account)
    end_leftovers(home)
    sockets = own_folder(_socket_path(home, account=account), account=account)
    try:
        yield ServerFolder(home=home, sockets=sockets, logs=folder / "logs", account=account)
    finally:
        if sockets.parent != home:
            shutil.rmtree(sockets, ignore_errors=True)


def home_of(folder: Path) -> Path:
    """Where the servers of a lab folder live: in it, unless root's servers could not pass through its parents."""
    if os.geteuid() != 0 or all(parent.stat().st_mode & stat.S_IXOTH for parent in (folder, *folder.parents)):
        return folder / "servers"
    return ELSEWHERE / f"windtunnel-{_hash(folder)}" / "servers"


def erase(folder: Path) -> None:
    """Remove a lab folder with all that its servers keep elsewhere. Raises LabError while a run owns it."""
    if not folder.exists():
        return
    with locked(folder) as locked_folder:
        home = home_of(locked_folder)
        end_leftovers(home)
        if home.exists():
            sockets = _socket_path(home, account=server_account(keep=home.lstat().st_uid))
            shutil.rmtree(sockets, ignore_errors=True)
        if home.parent != locked_folder:
            shutil.rmtree(home.parent, ignore_errors=True)
        shutil.rmtree(locked_folder)


def end_leftovers(home: Path) -> None:
    """End the servers that a killed run left in `home`, known by program and working directory, never by a pid."""
    leftovers = _processes_in(home, programs=SERVER_PROGRAMS)
    for signal_name in ("terminate", "kill"):
        for process in leftovers:
            with suppress(psutil.NoSuchProcess):
                getattr(process, signal_name)()
        _, leftovers = psutil.wait_procs(leftovers, timeout=5)
    if leftovers:
        raise LabError(
            f"a server of an earlier run does not end: pid {leftovers[0].pid}",
            hint=f"end it: kill -9 {leftovers[0].pid}",
        )


def _processes_in(folder: Path, *, programs: tuple[str, ...] = ()) -> list[psutil.Process]:
    """The processes whose working directory is in a folder; of these programs alone, if any are named."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if Path(process.cwd()).is_relative_to(folder) and (not programs or process.name() in programs):
                found.append(process)
    return found


def _socket_path(home: Path, *, account: Account) -> Path:
    """Where sockets stand: in `home` if the path is short enough, else in a folder named by a hash of it."""
    inside = home / "sockets"
    if len(os.fsencode(inside)) <= SOCKET_FOLDER_BYTES:
        return inside
    runtime = Path(os.environ.get("XDG_RUNTIME_DIR", ""))
    short = runtime.is_absolute() and len(os.fsencode(runtime)) < SOCKET_FOLDER_BYTES // 2
    usable = account.uid is None and short and os.access(runtime, os.W_OK)
    # In /tmp anybody may have made that folder before us: own_folder accepts only the account's own.
    return (runtime if usable else Path("/tmp")) / f"windtunnel-{account.owner}-{_hash(home)}"  # noqa: S108


def _sweep() -> None:
    """Remove root's folders in /var/tmp whose lab folder is gone and in which nothing runs."""
    for top in ELSEWHERE.glob("windtunnel-*"):
        with suppress(OSError):
            found = top.lstat()
            if not stat.S_ISDIR(found.st_mode) or found.st_uid != 0:
                continue
            belongs_to = Path((top / "belongs-to").read_text(encoding="utf-8"))
            if not belongs_to.exists() and not _processes_in(top):
                shutil.rmtree(top, ignore_errors=True)


def _hash(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:12]
