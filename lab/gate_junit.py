"""Yields a gate's findings as JUnit XML: a test for each operation, face and layer, as CI systems show them."""

from xml.etree import ElementTree as ET

from lab.gate_findings import Change, GateFindings
from lab.wording import times_interval, variant_name, verdict_phrase


def junit(found: GateFindings) -> str:
    """The suites `answers`, `counts`, `time` and, if there are any, `benchmarks`; what was not reached is skipped."""
    root = ET.Element("testsuites", name="windtunnel gate")
    places = [*dict.fromkeys((*found.places_counted, *((e.operation, e.face) for e in found.effects)))]
    layers = dict.fromkeys(("answers", "counts", "time"), places)
    if found.benchmarks:
        layers["benchmarks"] = [(effect.operation, effect.face) for effect in found.benchmarks]
    for layer, tested in layers.items():
        suite = ET.SubElement(root, "testsuite", name=layer, tests=str(len(tested)))
        for operation, face in tested:
            name = ", ".join(filter(None, (operation, face)))
            case = ET.SubElement(suite, "testcase", classname=f"gate.{layer}", name=name)
            kind, said = _outcome(found, layer=layer, operation=operation, face=face)
            if kind:
                ET.SubElement(case, kind, message=said[0]).text = "\n".join(said)
        for kind, name in (("failure", "failures"), ("skipped", "skipped"), ("error", "errors")):
            suite.set(name, str(len(suite.findall(f"testcase/{kind}"))))
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _outcome(found: GateFindings, *, layer: str, operation: str, face: str) -> tuple[str, list[str]]:
    """`failure`, `skipped`, `error` for what is unclear, or empty; and what is said of it, a line each."""
    here = (operation, face)
    if layer == "answers":
        said = [
            f"{each.parameters}: {each.difference}" for each in found.answers if (each.operation, each.face) == here
        ]
        return ("failure" if said else "", said)
    if layer == "counts":
        worse = [*found.budgets, *found.worse]
        said = [_count(change) for change in worse if (change.place.operation, change.place.face) == here]
        return ("failure" if said else "", said)
    if found.stopped:
        return "skipped", [f"stopped at the {found.stopped}"]
    timed = found.benchmarks if layer == "benchmarks" else found.effects
    effects = [effect for effect in timed if (effect.operation, effect.face) == here]
    said = [f"{times_interval(effect.typical)}: {verdict_phrase(effect)}" for effect in effects]
    words = {effect.verdict for effect in effects}
    kind = "failure" if "slower" in words else "error" if not words or "unclear" in words else ""
    return kind, said or ["it was not measured"]


def _count(change: Change) -> str:
    return (
        f"{change.metric}: {change.base:g} before, {change.head:g} now, at {variant_name(change.place.variant)}, "
        f"{change.place.state}"
    )
