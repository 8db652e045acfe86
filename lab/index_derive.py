"""Yields the findings of a study of indexes, from its folder alone: tables and the answer. It measures nothing."""

from collections.abc import Iterator

from lab.index_numbers import Saving, Weighed
from lab.index_words import answer, is_faster, method
from lab.results import RunFolder
from lab.study_findings import Column, StudyFindings, Table, Value
from lab.wording import face_name

NOTHING = "nothing"


def derive_indexes(folder: RunFolder) -> StudyFindings:
    """What the run saw until its end."""
    weighed = Weighed(folder)
    found = weighed.found
    return StudyFindings(
        answer=answer(
            weighed.listed, savings=weighed.savings, together=weighed.together, costs=weighed.costs,
            # What that part says of itself last: cells, blocks, and answers that were compared.
            trust=found.answer[-1] if found else "",
        ),
        tables=tuple(_tables(weighed)),
        curves=(),
        reading="",
        method=method(),
        complete=found is not None and found.complete,
        notes=tuple(_notes(weighed)),
    )  # fmt: skip


def _tables(weighed: Weighed) -> Iterator[Table]:
    if weighed.listed.indexes:
        yield _indexes(weighed)
    if weighed.savings:
        yield _reads(weighed)
    if weighed.together_costs:
        yield _together(weighed)


def _indexes(weighed: Weighed) -> Table:
    listed, costs = weighed.listed, weighed.costs
    beside, alone = dict(listed.beside), dict(listed.alone)
    helped: dict[str, list[str]] = {}
    for saving in weighed.savings:
        if not saving.is_alone and is_faster(saving.ratio):
            helped.setdefault(saving.index, []).append(f"{saving.operation}, {face_name(saving.face)}")
    rows: list[tuple[Value, ...]] = []
    for index in listed.indexes:
        cost = costs[index.name]
        rows.append((
            index.name, index.table, index.size, ", ".join(beside.get(index.name, ())) or NOTHING,
            ", ".join(alone.get(index.name, ())) or NOTHING, "; ".join(helped.get(index.name, ())) or NOTHING,
            cost.ratio or cost.reason, cost.seconds, cost.wal_bytes, cost.buffers,
        ))  # fmt: skip
    return Table(
        identifier="indexes",
        title="Every secondary index",
        lead=(
            "What uses it, by PostgreSQL's plans; what is faster with it beside all others; and what it costs: its "
            "size, and what a row takes more to insert."
        ),
        columns=(
            Column(name="index"), Column(name="table"), Column(name="size", unit="bytes"),
            Column(name="used by, beside the others"), Column(name="used by, alone"),
            Column(name="faster with it, beside the others"),
            Column(name="insert with it / without [95 %]", unit="ratio"),
            Column(name="more a row [95 %]", unit="seconds"),
            Column(name="WAL more a row", unit="bytes"), Column(name="buffers more a row", unit="number"),
        ),
        rows=tuple(rows),
    )  # fmt: skip


def _reads(weighed: Weighed) -> Table:
    def row(saving: Saving) -> tuple[Value, ...]:
        beside = "against none" if saving in weighed.together else "beside all others"
        return (
            saving.index, saving.operation, face_name(saving.face), "alone" if saving.is_alone else beside,
            saving.ratio, *reversed(saving.seconds), *reversed(saving.buffers),
        )  # fmt: skip

    return Table(
        identifier="index-reads",
        title="What each index saves",
        lead=(
            "The time of a request with the index over that without it, beside all others and as the only one; all "
            "indexes against none stand first. Buffers are those of the first key."
        ),
        columns=(
            Column(name="index"), Column(name="operation"), Column(name="face"), Column(name="stands"),
            Column(name="with it / without [95 %]", unit="ratio"),
            Column(name="time without it", unit="seconds"), Column(name="time with it", unit="seconds"),
            Column(name="buffers without it", unit="count"), Column(name="buffers with it", unit="count"),
        ),
        rows=tuple(map(row, (*weighed.together, *weighed.savings))),
    )  # fmt: skip


def _together(weighed: Weighed) -> Table:
    return Table(
        identifier="index-tables",
        title="What all indexes of a table cost its rows",
        lead="The time of an insert into the table with all of its secondary indexes over that with none of them.",
        columns=(Column(name="table"), Column(name="insert with all / with none [95 %]", unit="ratio")),
        rows=tuple(weighed.together_costs.items()),
    )


def _notes(weighed: Weighed) -> Iterator[str]:
    if weighed.found is None:
        yield "The run ended before anything was timed; what was seen until then is shown."
    else:
        yield from weighed.found.notes
    run = f"{weighed.folder.manifest.experiment.name}/{weighed.folder.path.name}"
    if weighed.listed.indexes:
        yield f"Its parts are runs of their own, with statements and plans: ./noxw -s report -- {run}/plans"
