"""Yields names of arms by their knobs, each by itself. It knows no run, and so not which other arms there are."""

from typing import Final

Variant = tuple[tuple[str, str], ...]

_FULL: Final = frozenset({"on", "both"})


def name_of(variant: Variant) -> str:
    """A variant by what is on: "all off", "indexes + cache view", "all on but cache", "all on"."""
    moved = [(knob, level) for knob, level in variant if level != "off"]
    if not moved:
        return "all off" if variant else "as configured"
    partly = [f"{knob} {level}" for knob, level in moved if level not in _FULL]
    missing = [knob for knob, level in variant if level == "off"]
    if len(variant) > 1 and not missing:
        return ", ".join(["all on", *partly])
    if len(variant) > 2 and len(missing) == 1 and not partly:
        return f"all on but {missing[0]}"
    return " + ".join(knob if level in _FULL else f"{knob} {level}" for knob, level in moved)


def spelled_out(variant: Variant) -> str:
    """Every knob with its level."""
    return ", ".join(f"{knob} {level}" for knob, level in variant) or "as configured"
