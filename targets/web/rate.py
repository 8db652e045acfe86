"""Yields `Rate`, how often something may happen. It imports no Django: the settings are made of it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """At most `limit` times in each window of `seconds`."""

    limit: int
    seconds: int

    @classmethod
    def parse(cls, text: str) -> "Rate":
        """The rate that a text such as `600/60` names: times, and seconds. Raises ValueError."""
        limit, slash, seconds = text.partition("/")
        if not (slash and limit.isdecimal() and seconds.isdecimal() and int(limit) and int(seconds)):
            raise ValueError(f"{text!r} is not of the form times/seconds, as in 600/60")
        return cls(limit=int(limit), seconds=int(seconds))
