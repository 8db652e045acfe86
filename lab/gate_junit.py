"""Yields a gate's findings as JUnit XML: a test for each operation, face and layer, as CI systems show them."""

from xml.etree import ElementTree as ET

from lab.gate_findings import Change, GateFindings, Growth
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
    lost = [each for each in found.lost if (each.operation, each.face) == here]
    if layer == "counts":
        grown = [each for each in found.growths if each.verdict == "worse"]
        worse = [*found.budgets, *found.worse]
        said = [_count(change) for change in worse if (change.place.operation, change.place.face) == here]
        said += [_growth(each) for each in grown if (each.place.operation, each.place.face) == here]
        said += [each.reason for each in lost if each.verdict == "worse" and found.stopped == "counts"]
        return ("failure" if said else "", said)
    if found.stopped:
        return "skipped", [f"stopped at the {found.stopped}"]
    timed = found.benchmarks if layer == "benchmarks" else found.effects
    effects = [effect for effect in timed if (effect.operation, effect.face) == here]
    said = [f"{times_interval(effect.typical)}: {verdict_phrase(effect)}" for effect in effects]
    words = {effect.verdict for effect in effects}
    words |= {each.verdict for each in lost}
    said += [each.reason for each in lost]
    kind = "failure" if words & {"slower", "worse"} else "error" if not words or "unclear" in words else ""
    return kind, said or ["it was not measured"]


def _growth(each: Growth) -> str:
    base, head = (f"{small} to {large}" for small, large in (each.base, each.head))
    return f"{each.metric} with the page: {base} before, {head} now"


def _count(change: Change) -> str:
    return (
        f"{change.metric}: {change.base:g} before, {change.head:g} now, at {variant_name(change.place.variant)}, "
        f"{change.place.state}"
    )
