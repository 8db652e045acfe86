"""Yields an image's files in a folder: the Dockerfile's instructions, obeyed where there is no engine to obey them.

Its paths begin in that folder; and its base's `python` is the one that these tests were started by.
"""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import Final

from tests.shipping.dockerfile import chain, stages

ROOT: Final = Path(__file__).resolve().parents[2]
PATHS: Final = re.compile(r"(?<![\w.:/])/(?=(?:opt|etc|var|srv)/)")
"""What an image has of its own."""


@dataclass(frozen=True, kw_only=True)
class Image:
    """The files of a stage below `root`, where it works, and the environment that it gives."""

    root: Path
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def work(self) -> Path:
        """Its working directory."""
        return self.inside("/srv/windtunnel")

    def inside(self, path: str) -> Path:
        """Where a path of the image is."""
        return self.root / path.lstrip("/")


def build(stage: str, *, root: Path, with_packages: bool) -> Image:
    """Obey a stage's instructions, and those of the stages that it takes files from; perhaps without its packages."""
    image = Image(root=root)
    for each in ("etc", "opt", "var/lib", "srv/windtunnel"):
        (root / each).mkdir(parents=True)
    python = _with_pip(root / "base") if with_packages else str(Path(sys.executable).parent)
    for name in (f"{stage}-packages", stage):
        if name.endswith("-packages") and not with_packages:
            continue
        for part in chain(name):
            if part.name == "base" and name != f"{stage}-packages" and with_packages:
                continue  # it was obeyed already
            for word, rest in part.instructions:
                _obey(word, rest, image=image, python=python)
            image.environment.update(part.environment)
    image.environment.pop("PATH", None)
    return image


def _with_pip(folder: Path) -> str:
    """What the base image has on its PATH: a Python with pip."""
    base = sys._base_executable  # type: ignore[attr-defined]
    if subprocess.run([base, "-m", "pip", "--version"], capture_output=True, check=False).returncode == 0:
        (folder / "bin").mkdir(parents=True)
        (folder / "bin" / "python").symlink_to(base)
    else:
        subprocess.run([base, "-m", "venv", folder], check=True, capture_output=True)
    return str(folder / "bin")


def _obey(word: str, rest: str, *, image: Image, python: str) -> None:
    if word == "RUN":
        # Only root can give files away.
        text = rest if os.geteuid() == 0 else rest.replace("--owner 10001 --group 10001 ", "")
        # Held against its hash either way: what was loaded by an earlier run need not be again.
        text = text.replace("--no-cache-dir ", "")
        path = os.pathsep.join((str(image.inside("/opt/venv/bin")), python, os.environ["PATH"]))
        if "venv --without-pip" in text:
            path = path.partition(os.pathsep)[2]  # the base's python makes it
        done = subprocess.run(
            ["sh", "-euc", PATHS.sub(f"{image.root}/", text)],
            cwd=image.work, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"RUN {rest}\n{done.stdout[-1000:]}{done.stderr[-3000:]}"
    elif word == "COPY":
        source, target = rest.split()[-2:]
        if rest.startswith("--from="):
            assert rest.split(maxsplit=1)[0].removeprefix("--from=") in stages()
            return  # the same folder
        assert is_in_context(source), f"{source} is kept out by .dockerignore"
        place = image.inside(target) if target.startswith("/") else image.work / target
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, place, ignore=shutil.ignore_patterns("__pycache__", "published"))
        else:
            shutil.copy(ROOT / source, place)


def is_in_context(path: str) -> bool:
    """Whether .dockerignore lets a path of the tree into an image."""
    verdict = True
    for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines():
        pattern = line.strip().removeprefix("!")
        if not pattern or pattern.startswith("#"):
            continue
        # A pattern's * ends at a slash; of a folder all that is in it goes too.
        if any(fnmatch(part, pattern) for part in (path, *map(str, Path(path).parents)) if part != "."):
            verdict = line.startswith("!")
    return verdict
