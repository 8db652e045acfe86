"""Yields the database router: it sends a request to the database that its variant names."""

from typing import Any

from targets.web.current import current_variant


def current_database() -> str:
    """The alias of the database that this request reads and writes."""
    return "bare" if current_variant().indexes == "off" else "default"


class VariantRouter:
    """Sends reads and writes alike to the variant's database, so that a request sees what it wrote."""

    def db_for_read(self, model: type, **hints: Any) -> str:
        return current_database()

    def db_for_write(self, model: type, **hints: Any) -> str:
        return current_database()

    def allow_relation(self, left: Any, right: Any, **hints: Any) -> bool:
        return bool(left._state.db == right._state.db)
