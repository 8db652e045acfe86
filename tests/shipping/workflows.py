"""Yields the workflows as GitHub reads them, and runs the scripts of their steps. What those call, a test provides."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

FOLDER: Final = Path(__file__).resolve().parents[2] / ".github" / "workflows"
NAMES: Final = tuple(sorted(path.stem for path in FOLDER.glob("*.yml")))


def workflow(name: str) -> dict[str, Any]:
    """A workflow. YAML 1.1 takes the word `on` for true."""
    told: dict[Any, Any] = yaml.safe_load((FOLDER / f"{name}.yml").read_text(encoding="utf-8"))
    return {"on" if key is True else str(key): value for key, value in told.items()}


def steps(name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every step, with its job's name."""
    for job, told in workflow(name)["jobs"].items():
        for step in told["steps"]:
            yield job, step


def script(name: str, step: str) -> str:
    """What a step runs, by its name."""
    [found] = [each["run"] for _, each in steps(name) if each.get("name") == step]
    return str(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a script ended, what it said, and what it called."""

    code: int
    said: str
    calls: tuple[str, ...]


def run(text: str, *, folder: Path, programs: Mapping[str, str], environment: Mapping[str, str]) -> Ended:
    """Run a script as a runner does, in `folder`. Each of `programs` writes down its words, then does what it says."""
    path = folder / "programs"
    path.mkdir()
    calls = folder / "calls"
    calls.touch()
    for name, what in programs.items():
        place = folder / name[2:] if name.startswith("./") else path / name
        place.write_text(f'#!/usr/bin/env bash\necho "{Path(name).name} $*" >> {calls}\n{what}\n')
        place.chmod(0o755)
    found = os.pathsep.join(map(str, (path, Path(sys.executable).parent, "/usr/bin", "/bin")))
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", text], cwd=folder, capture_output=True, text=True,
        check=False, env={"PATH": found, "HOME": str(folder), "GITHUB_OUTPUT": str(folder / "output"), **environment},
    )  # fmt: skip
    return Ended(code=done.returncode, said=done.stdout + done.stderr, calls=tuple(calls.read_text().splitlines()))
