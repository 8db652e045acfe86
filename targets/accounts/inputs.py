"""Yields what a client sends about accounts, read from the body of either face."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from targets.accounts.models import User
from targets.web.parameters import ParameterReader

MAX_PASSWORD: Final = 200
"""In characters: hashing takes longer for more, and nobody remembers more."""

_MAX_TOKEN: Final = 10_000
_COUNTRY: Final = re.compile(r"[A-Z]{2}")
_ADDRESS: Final = {"street": 200, "city": 100, "postcode": 20}


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What somebody logs in with."""

    email: str
    password: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """What a new user tells."""

    email: str
    password: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordChange:
    """The password that a user has, and the one that it shall be."""

    current: str
    new: str


def read_credentials(body: Mapping[str, object]) -> Credentials:
    """What a login names. Raises InvalidError."""
    reader = ParameterReader(body, names=("email", "password"))
    reader.required("email", "password")
    read = Credentials(email=_email(reader), password=reader.secret("password", high=MAX_PASSWORD))
    reader.finish()
    return read


def read_registration(body: Mapping[str, object]) -> Registration:
    """What a registration names. Raises InvalidError."""
    reader = ParameterReader(body, names=("email", "password", "name"))
    reader.required("email", "password", "name")
    read = Registration(
        email=_email(reader),
        password=reader.secret("password", high=MAX_PASSWORD),
        name=reader.text("name", high=150),
    )
    reader.finish()
    return read


def read_refresh(body: Mapping[str, object]) -> str:
    """The refresh token that is presented. Raises InvalidError."""
    reader = ParameterReader(body, names=("refresh",))
    reader.required("refresh")
    token = reader.secret("refresh", high=_MAX_TOKEN)
    reader.finish()
    return token


def read_password_change(body: Mapping[str, object]) -> PasswordChange:
    """The old and the new password. Raises InvalidError."""
    reader = ParameterReader(body, names=("current", "new"))
    reader.required("current", "new")
    read = PasswordChange(
        current=reader.secret("current", high=MAX_PASSWORD), new=reader.secret("new", high=MAX_PASSWORD)
    )
    reader.finish()
    return read


def read_user_changes(body: Mapping[str, object]) -> dict[str, Any]:
    """What shall be otherwise about a user: those of name and role that are there. Raises InvalidError."""
    reader = ParameterReader(body, names=("name", "role"))
    changes: dict[str, Any] = {}
    if reader.has("name"):
        reader.required("name")
        changes["name"] = reader.text("name", high=150)
    if reader.has("role"):
        reader.required("role")
        changes["role"] = reader.choice("role", default="", choices=User.Role.values)
    reader.finish()
    return changes


def read_address(body: Mapping[str, object], *, is_new: bool) -> dict[str, str]:
    """The parts of an address that are there; of a new one all must be. Raises InvalidError."""
    reader = ParameterReader(body, names=(*_ADDRESS, "country"))
    present = [name for name in (*_ADDRESS, "country") if is_new or reader.has(name)]
    reader.required(*present)
    read = {name: reader.text(name, high=_ADDRESS.get(name, 2)) for name in present}
    if read.get("country") and not _COUNTRY.fullmatch(read["country"]):
        reader.refuse("country", "must be a country's code of two letters, as in GB")
    reader.finish()
    return read


def _email(reader: ParameterReader) -> str:
    """In ASCII alone: of other letters Python and PostgreSQL have different ideas of capitals."""
    email = reader.text("email", high=254)
    if not email.isascii():
        reader.refuse("email", "must be in ASCII")
    return email
