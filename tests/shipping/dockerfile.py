"""Yields the Dockerfile: its stages, and what each says. It understands what is written there, and no more."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

FILE: Final = Path(__file__).resolve().parents[2] / "Dockerfile"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A stage: what it is built on, and its instructions in their order, as (word, rest)."""

    name: str
    base: str
    instructions: tuple[tuple[str, str], ...]

    def last(self, word: str) -> str:
        """What the last instruction of a kind says; empty where there is none."""
        return next((rest for each, rest in reversed(self.instructions) if each == word), "")

    def argv(self, word: str) -> tuple[str, ...]:
        """The command of CMD, ENTRYPOINT or HEALTHCHECK; empty where it has none."""
        told = self.last(word).partition("[")
        return tuple(json.loads("[" + told[2])) if told[1] else ()

    @property
    def environment(self) -> dict[str, str]:
        """What ENV sets."""
        found: dict[str, str] = {}
        for word, rest in self.instructions:
            if word == "ENV":
                found.update({part.partition("=")[0]: part.partition("=")[2] for part in rest.split()})
        # An argument that nobody gave is empty.
        return {key: "" if value.startswith("$") else value for key, value in found.items()}


def stages() -> dict[str, Stage]:
    """By name, in the order of the file."""
    lines = [line for line in FILE.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    text = re.sub(r"\s*\\\n\s*", " ", "\n".join(lines))
    found: dict[str, Stage] = {}
    told: list[tuple[str, str]] = []
    base = name = ""
    for line in (*filter(None, text.splitlines()), "FROM end AS end"):
        word, _, rest = line.partition(" ")
        if word != "FROM":
            told.append((word, rest))
            continue
        if name:
            found[name] = Stage(name=name, base=base, instructions=tuple(told))
        base, _, name = rest.partition(" AS ")
        told = []
    return found


def chain(name: str) -> tuple[Stage, ...]:
    """A stage and those below it, the lowest first."""
    known, found = stages(), []
    while name in known:
        found.append(known[name])
        name = known[name].base
    return tuple(reversed(found))
