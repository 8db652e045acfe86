"""Yields what a run found, and its page, from its folder alone: one by one, or under load. It measures nothing."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from lab import mail_words
from lab.compare_numbers import Numbers, numbers_of
from lab.derive import derive
from lab.errors import LabError
from lab.findings import Findings
from lab.gate_words import lines
from lab.json_files import read_if_there
from lab.load_derive import derive_load, load_summary
from lab.mail_derive import derive_mail
from lab.mail_findings import MailFindings
from lab.render import render
from lab.results import REPORT_STAGE, RunFolder
from lab.seal import check_seal, is_as_derived, seal_derived, what_became
from lab.studies import study_of
from lab.study_findings import StudyFindings

T = TypeVar("T")


def conclude(folder: RunFolder) -> Path:
    """Writes the findings and the report of the run in `folder`, also of one interrupted; returns the report's path.

    Raises LabError for a run that cannot be read, or that has changed since it ended.
    """
    changed = check_seal(folder)
    found = _derived(folder)
    # Where a file's own frames tell what is wrong with it, that says more.
    notes = [
        f"{name} {what_became(folder, name)} since the run ended"
        for name in changed
        if not any(Path(name).name in note for note in found.notes)
    ]
    if _misses_proof(folder):
        notes.append("proof.json is missing: whether the answers that were timed are equal is not known.")
    is_whole = found.complete and not changed and not notes
    folder.save("findings", replace(found, notes=(*found.notes, *notes), complete=is_whole))
    page = render(folder)
    seal_derived(folder)
    return page


def derived_of(folder: RunFolder, read_it: Callable[[RunFolder], T]) -> T:
    """What `read_it` reads of what was derived of a run; derived again where that does not hold any more.

    So it is where files have changed since, raw or derived, and where it is of an older version. Raises LabError as
    `conclude` does.
    """
    if is_as_derived(folder):
        with suppress(LabError):
            return read_it(folder)
    conclude(folder)
    return read_it(folder)


def numbers_in(folder: RunFolder) -> Numbers:
    """What a run holds beside its cells, as it was derived last: the numbers of a load, of mails or of a study."""
    return numbers_of(
        load=folder.load, mail=read_if_there(folder.path / "mail.json", MailFindings),
        study=read_if_there(folder.path / "study.json", StudyFindings),
    )  # fmt: skip


def _misses_proof(folder: RunFolder) -> bool:
    """Whether something was timed without a record of its proof; stampedes and mails are held against others later."""
    experiment = folder.manifest.experiment
    is_proven_first = not (experiment.mail or experiment.stampede)
    return is_proven_first and any(folder.samples.glob("*.samples")) and not (folder.path / "proof.json").exists()


def _derived(folder: RunFolder) -> Findings:
    """The findings, whose parts of a kind of their own are written beside them."""
    if study := study_of(folder.manifest.experiment):
        studied = study.derive(folder)
        folder.save("study", studied)
        return summary(folder, answer=studied.answer, notes=studied.notes, complete=studied.complete)
    if folder.manifest.experiment.mail:
        mails = derive_mail(folder)
        folder.save("mail", mails)
        return summary(
            folder, answer=mail_words.answer(mails),
            notes=(*mails.notes, *(f"A trial is left out whole: {damage}." for damage in mails.damages)),
            complete=mails.blocks_done == mails.blocks and not mails.damages,
        )  # fmt: skip
    if folder.manifest.experiment.load:
        under_load = derive_load(folder)
        folder.save("load", under_load)
        return load_summary(folder, under_load)
    found, gate = derive(folder), folder.gate
    if gate:
        found = replace(found, answer=lines(gate))
    if gate and gate.stopped:
        # It stopped by itself, before its cells came to their turn.
        found = replace(found, complete=True, cells=(), effects=(), notes=gate.notes)
    return found


def summary(folder: RunFolder, *, answer: Sequence[str], notes: Sequence[str], complete: bool) -> Findings:
    """What every page and console asks of a run that has no cells of its own."""
    manifest = folder.manifest
    return Findings(
        experiment=manifest.experiment.name, run=manifest.run, question=manifest.experiment.question,
        answer=tuple(answer), dataset=manifest.dataset, knobs=(), held=(), complete=complete, cells=(), effects=(),
        waterfalls=(), proofs=(), blocks=(),
        stages=tuple(stage for stage in folder.stages if stage.name != REPORT_STAGE),
        environment=manifest.environment, settings=manifest.settings, notes=tuple(notes), command=manifest.command,
    )  # fmt: skip
