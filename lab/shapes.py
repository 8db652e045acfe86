"""Yields `ProfileShape`, a Locust load shape that follows a profile of arrivals.py. It knows no user and no target."""

from typing import ClassVar, Final

from locust import LoadTestShape

from lab.arrivals import SHAPES, Segment, level, profile


class ProfileShape(LoadTestShape):
    """As many users as the level of its profile, rounded, until the profile ends; `of` makes one that Locust can run.

    Locust asks once a second, so what is shorter goes unseen.
    """

    abstract = True  # else Locust would run this very class in each file that imports it
    names: Final = SHAPES
    profile: ClassVar[tuple[Segment, ...]]

    @classmethod
    def of(cls, shape: str, *, users: int, seconds: float) -> "type[ProfileShape]":
        """The class whose usual level is `users`. Raises LabError for a shape that there is not."""
        members = {"profile": profile(shape, rate=users, seconds=seconds), "__doc__": cls.__doc__}
        return type(f"{shape.title()}Shape", (cls,), members)

    def tick(self) -> tuple[int, float] | None:
        """How many users there are now, and how many may start or stop per second; None after the end."""
        users = level(self.profile, self.get_run_time())
        # A whole step fits into the second until Locust asks again, which it does not while it still spawns.
        step = max(max(segment.begin, segment.end) for segment in self.profile)
        return None if users is None else (int(users + 0.5), max(step, 1.0))
