"""Yields the rows of `calibrate -- kills`: what random kills and interrupts leave behind. It kills nothing itself."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from rich.console import Console

from lab.calibrate_rows import told
from lab.kills import Kill, kills
from lab.load_findings import Check
from lab.progress import Advance, Progresses
from lab.results import CALIBRATION, check_writable
from lab.units import seconds


def calibrate_kills(*, count: int, resumes: int, console: Console) -> Path:
    """Ends so many runs, prints what was left and returns the Markdown table. Raises LabError when a row fails."""
    check_writable()
    CALIBRATION.parent.mkdir(exist_ok=True)
    measured = datetime.now(tz=UTC).isoformat(timespec="seconds")
    found: list[Kill] = []
    with Progresses(console).stage("kills", total=count) as advance:
        for one in kills(count, resumes=resumes, seed=1, note=partial(_note, advance)):
            found.append(one)
            advance(done=len(found))
    return told(rows(found), measured=measured, page=CALIBRATION.parent / "kills.md", console=console)


def rows(found: Sequence[Kill]) -> tuple[Check, ...]:
    """The rows of the table, over all ends."""
    killed = sum(one.how == "SIGKILL" for one in found)
    what = f"{len(found)} runs ended at random moments ({killed} by SIGKILL, {len(found) - killed} by SIGINT)"
    lost = [one.lost for one in found if one.lost is not None]
    resumed = [one.resumed for one in found if one.resumed is not None]
    damaged, orphans, ports = (
        sum(getattr(one, name) for one in found) for name in ("damaged", "orphans", "busy_ports")
    )
    return (
        Check(
            what=f"{what}: what is left", bound="no damaged file, no orphan, no busy port",
            seen=f"{damaged} damaged files, {orphans} orphans, {ports} busy ports; all had ended after "
            f"{seconds(max((one.ended for one in found), default=0.0))}", holds=not (damaged or orphans or ports),
        ),
        Check(
            what="samples lost by an end while requests were sent", bound="at most 1 s",
            seen=f"at most {seconds(max(lost))}, {len(lost)} ends" if lost else "none was ended so",
            holds=max(lost, default=0.0) <= 1.0,
        ),
        Check(
            what="runs gone on with by --resume", bound="come to their end, whole blocks byte for byte the same",
            seen=f"{sum(resumed)} of {len(resumed)}", holds=all(resumed),
        ),
    )  # fmt: skip


def _note(advance: Advance, text: str) -> None:
    advance(note=text)
