"""Yields the commands that the project tells people to type: in its texts, its comments, its hints. It runs none."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
TEXTS: Final = ("*.md", "docs/**/*.md", "examples/**/*.md", "reports/published/README.md")
COMMENTED: Final = (
    ".env.example", "docker-compose.yml", "Dockerfile", ".github/*.md", ".github/*.yml", ".github/ISSUE_TEMPLATE/*.yml",
    "reports/templates/**/*.j2",
)  # fmt: skip
SCRIPTS: Final = (".ci/run", ".ci/deploy", ".github/workflows/*.yml")
ROOMS: Final = ("lab", "fixtures", "targets", "reports", "scenarios", "experiments", "examples")

PROGRAM: Final = (
    r"(?:\./noxw|(?:\.nox/\w+/bin/)?python3? (?:-m )?(?=[\w.]*(?:lab|targets|fixtures|reports|\.ci/))"
    r"|\.nox/\w+/bin/locust|docker compose|docker build|git|\.ci/(?=run|deploy))"
)
TYPED: Final = re.compile(rf"(?:[A-Z_]+=\S+ +)*(?:\w+=\$\()?({PROGRAM}.*)")
"""A command, after what it sets in the environment or sets a variable of the shell to."""
ENDS: Final = re.compile(r"\s+(?:#|>|&&|\|\||\||;)\s?.*$|\)$")
PROSE: Final = re.compile(rf"(?<![\w./-]){PROGRAM}[ \w][^`;,()<\n]*?(?=[`;,()<\n]|\.\s|\.$|  |$)")
"""A command within a sentence."""


def documented(*, sessions: set[str], experiments: set[str]) -> list[tuple[str, str]]:
    """Every (file, command), once, without comment, environment and what it is piped into."""
    found: dict[tuple[str, str], None] = {}
    for path in _files(TEXTS):
        for command in _of_markdown(path.read_text(encoding="utf-8"), sessions=sessions, experiments=experiments):
            found[path.relative_to(ROOT).as_posix(), command] = None
    for path in _files(COMMENTED):
        text = re.sub(r"\{\{.*?\}\}", "{}", path.read_text(encoding="utf-8"))
        for command in _of_prose(_comments(text) if path.suffix in {".yml", ""} else text):
            found[path.relative_to(ROOT).as_posix(), command] = None
    for path in _files(SCRIPTS):
        for command in _of_script(path.read_text(encoding="utf-8")):
            found[path.relative_to(ROOT).as_posix(), command] = None
    for path in _files(f"{room}/**/*.py" for room in ROOMS):
        if path.parent != Path(__file__).parent:
            for text in _strings(path):
                for command in _of_prose(text):
                    found[path.relative_to(ROOT).as_posix(), command] = None
    return list(found)


def options(text: str) -> Iterator[str]:
    """The options that a text names without their command, as in `--budget`."""
    for inline in _inlines(_unfenced(text)):
        if inline.startswith("--"):
            yield from re.findall(r"(?:^| )(--[a-z-]+)", inline)


def _files(patterns: Iterator[str] | tuple[str, ...]) -> list[Path]:
    return sorted({path for pattern in patterns for path in ROOT.glob(pattern) if path.is_file()})


def _of_markdown(text: str, *, sessions: set[str], experiments: set[str]) -> Iterator[str]:
    fenced = "\n".join(re.findall(r"^```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL))
    indented = "\n".join(re.findall(r"^ {4}(.*)$", _unfenced(text), re.MULTILINE))
    for line in re.sub(r"\s*\\\n\s*", " ", f"{fenced}\n{indented}").splitlines():
        if match := TYPED.match(line.strip()):
            yield ENDS.sub("", match[1]).strip()
    last = ""
    for inline in _inlines(_unfenced(text)):
        first, _, rest = inline.partition(" ")
        if match := TYPED.match(inline):
            yield ENDS.sub("", match[1]).strip()
        elif first in sessions and rest.startswith("-- "):
            last = first
            yield f"./noxw -s {inline}"
        elif first == "--" and last:
            # As in: `calibrate -- clock`, `-- gate`.
            yield f"./noxw -s {last} {inline}"
        elif first in experiments and rest.startswith("--"):
            yield f"./noxw -s lab -- {inline}"


def _of_prose(text: str) -> Iterator[str]:
    for match in PROSE.finditer(re.sub(r"\s*\\\n\s*", " ", text)):
        command = ENDS.sub("", " ".join(match[0].split()))
        if command.startswith("git ") or not command.split()[1:]:
            continue
        if command.startswith("./noxw") and " -- " not in command:
            # The words after it may be those of the sentence.
            command = " ".join(command.split()[: 2 if command.split()[1] == "-l" else 3])
        yield re.sub(r" \[.*?\]", "", command).removesuffix(" --")


def _of_script(text: str) -> Iterator[str]:
    for line in re.sub(r"\s*\\\n\s*", " ", text).splitlines():
        if match := re.search(r"(?:^|\s)((?:\./noxw -s|docker compose|python3 \.ci/) ?.*)$", line.split(" #")[0]):
            yield ENDS.sub("", match[1].split(";")[0].split(" || ")[0].split(" | ")[0]).strip()


def _inlines(text: str) -> Iterator[str]:
    for inline in re.findall(r"(?<!`)`([^`]+)`(?!`)", text):
        yield " ".join(inline.split())


def _unfenced(text: str) -> str:
    return re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)


def _comments(text: str) -> str:
    """What stands behind # or in a placeholder."""
    return "\n".join(re.findall(r"(?:#|placeholder:)\s?(.*)$", text, re.MULTILINE))


def _strings(path: Path) -> Iterator[str]:
    """The texts in a file of Python; `{}` stands for what an f-string fills in."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    parts: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts.update(id(each) for each in ast.walk(node) if each is not node)
            yield "".join(str(each.value) if isinstance(each, ast.Constant) else "{}" for each in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in parts:
            yield node.value
