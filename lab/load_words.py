"""Yields what the door `load URL` says of a load: its table, and what to do where it is void. It measures nothing."""

from typing import Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from lab.load_findings import UrlLoad
from lab.units import count, seconds, size
from lab.validity import GENERATOR

SHOWN: Final = (0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 1.0)


def print_load(found: UrlLoad, *, console: Console) -> None:
    """Prints what was found: at most a screen."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("")
    for share in SHOWN:
        table.add_column("max" if share == 1 else f"p{share * 100:g}", justify="right")
    for name, values in (("response time", dict(found.response)), ("service time", dict(found.service))):
        table.add_row(name, *(seconds(values[share]) if values else "-" for share in SHOWN))
    console.print()
    level = f"{found.level:g} closed users" if found.arrivals == "closed" else f"{found.arrivals} arrivals"
    console.print(f"[bold]{found.method} {escape(found.url)}[/], {level}, {seconds(found.seconds)}", highlight=False)
    console.print(table, highlight=False)
    console.print(
        f"rate: {found.offered:,.1f}/s offered, {found.achieved:,.1f}/s answered right; "
        f"{size(found.body_bytes / found.right if found.right else 0)} each",
        highlight=False,
    )
    errors = ", ".join(f"{count(n)} {name.replace('_', ' ')}" for name, n in found.faults) or "none"
    console.print(
        f"requests: {count(found.requests)} sent, {count(found.right)} right, {count(found.failed)} failed, "
        f"{count(found.late)} sent late, {count(found.unsent)} unsent; errors: {errors}",
        highlight=False,
    )
    seen = found.sensors
    steal = "not available" if seen.steal is None else f"{seen.steal:.1%}"
    console.print(
        f"generator: {seen.generator_share:.0%} of a core, p99 of lateness {seconds(seen.lateness)}, "
        f"CPU taken by the host {steal}",
        highlight=False,
    )
    state = "[green]valid[/]" if found.state == "valid" else f"[bold red]void[/]: {escape('; '.join(found.reasons))}"
    console.print(f"validity: {state}", highlight=False)
    if found.arrivals == "closed":
        console.print("note: closed users wait, so a stop of the service is counted once a user", highlight=False)


def advice(found: UrlLoad) -> str:
    """What to do about a load that is void."""
    less = "--closed" if found.arrivals == "closed" else "--rate"
    if any(reason.startswith(GENERATOR) for reason in found.reasons):
        return f"lower {less}, or spread the load with --load-workers"
    if found.unsent:
        return f"the service does not keep up: lower {less}"
    return f"measure again on a quiet machine, or lower {less}"
