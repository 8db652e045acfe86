"""Yields docker-compose.yml as Compose reads it: anchors merged, variables filled in. It starts nothing."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).resolve().parents[2]
FILE: Final = ROOT / "docker-compose.yml"
VARIABLE: Final = re.compile(r"\$(?:(?P<escaped>\$)|\{(?P<name>\w+)(?:(?P<how>:[-?])(?P<rest>[^}]*))?\})")
SECRETS: Final = ("SECRET_KEY", "POSTGRES_PASSWORD", "DATABASE_PASSWORD", "VALKEY_PASSWORD", "RABBITMQ_PASSWORD")
PROFILES: Final = ("dev", "lab", "load")


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One service. `command` is empty where the image's own holds; `health` is a command, empty where there is none.

    `needs` has the condition under which each other service is waited for; `kept` are the paths that it may write to,
    and the volume behind each, empty for memory; `settings` is all of it.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    health: tuple[str, ...]
    needs: Mapping[str, str]
    kept: Mapping[str, str]
    stage: str
    profiles: tuple[str, ...]
    settings: Mapping[str, Any]

    @property
    def is_once(self) -> bool:
        """Whether it ends by itself, and well."""
        return bool(self.settings.get("healthcheck", {}).get("disable"))


class MissingVariableError(Exception):
    """A variable that has to be given."""


def filled(value: Any, variables: Mapping[str, str]) -> Any:
    """The value with every variable in its place. Raises MissingVariableError."""
    if isinstance(value, dict):
        return {key: filled(each, variables) for key, each in value.items()}
    if isinstance(value, list):
        return [filled(each, variables) for each in value]
    return VARIABLE.sub(lambda found: _one(found, variables), value) if isinstance(value, str) else value


def _one(found: "re.Match[str]", variables: Mapping[str, str]) -> str:
    if found["escaped"]:
        return "$"
    if given := variables.get(found["name"]):
        return given
    if found["how"] == ":?":
        raise MissingVariableError(found["name"])
    return found["rest"] or ""


def document() -> dict[str, Any]:
    """The file as it is written."""
    loaded: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return loaded


def services(variables: Mapping[str, str]) -> dict[str, Service]:
    """Every service of every profile, in the order of the file."""
    return {name: _service(name, filled(told, variables), variables) for name, told in document()["services"].items()}


def _service(name: str, told: dict[str, Any], variables: Mapping[str, str]) -> Service:
    environment = {
        key: variables[key] if value is None else str(value)
        for key, value in told.get("environment", {}).items()
        if value is not None or key in variables
    }
    volumes = dict(reversed(each.split(":")) for each in told.get("volumes", []))
    return Service(
        name=name,
        command=tuple(map(str, told.get("command", ()))),
        environment=environment,
        health=_argv(told.get("healthcheck", {}).get("test", ())),
        needs={other: how["condition"] for other, how in told.get("depends_on", {}).items()},
        kept={**dict.fromkeys(told.get("tmpfs", ()), ""), **volumes},
        stage=told.get("build", {}).get("target", ""),
        profiles=tuple(told.get("profiles", ())),
        settings=told,
    )


def _argv(test: Any) -> tuple[str, ...]:
    """The command of a health check: a list, or a text for a shell."""
    kind, *words = test or ("NONE",)
    return {"NONE": (), "CMD": tuple(words), "CMD-SHELL": ("sh", "-c", *words)}[kind]


def some_variables() -> dict[str, str]:
    """What .env has to have, with values that differ."""
    return {name: f"{name.lower().replace('_', '-')}-{'x' * 40}" for name in SECRETS}
