"""Yields what a request costs under load: CPU seconds by process, and database connections. It reads no file."""

from collections.abc import Sequence

from lab.findings import Interval
from lab.load_seen import Seen
from lab.scatter import mean_of


def cpu(counted: Sequence[Seen], *, servers: Sequence[str], own: str) -> tuple[tuple[str, Interval], ...]:
    """CPU seconds per request by process, the generator last; warm-up is in both, the time and the requests.

    Of `servers` only the arm's `own` one counts, which is called "server".
    """
    spent: dict[str, list[float]] = {}
    for each in counted:
        generator = sum(share.cpu_seconds for share in each.trial.shares)
        for name, value in (*each.trial.cpu, ("generator", generator)):
            if name == own or name not in servers:
                spent.setdefault("server" if name == own else name, []).append(value / _requests(each))
    return tuple((name, mean_of(values)) for name, values in spent.items() if len(values) == len(counted))


def opened(counted: Sequence[Seen]) -> Interval | None:
    """Database connections opened per request, likewise with warm-up; None where the database did not tell."""
    known = [each.connections.opened / _requests(each) for each in counted if each.connections]
    return mean_of(known) if len(known) == len(counted) else None


def held(counted: Sequence[Seen]) -> int | None:
    """The most database connections that were seen at once."""
    return max((each.connections.held for each in counted if each.connections), default=None)


def _requests(seen: Seen) -> int:
    return sum(share.requests for share in seen.trial.shares)
