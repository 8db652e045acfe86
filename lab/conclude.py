"""Yields what a run found, and its page, from its folder alone: one by one, or under load. It measures nothing."""

from dataclasses import replace
from pathlib import Path

from lab.derive import derive
from lab.gate_words import lines
from lab.load_derive import derive_load, load_summary
from lab.mail_derive import derive_mail, mail_summary
from lab.render import render
from lab.results import RunFolder


def conclude(folder: RunFolder) -> Path:
    """Writes the findings and the report of the run in `folder`, also of one interrupted; returns the report's path."""
    if folder.manifest.experiment.mail:
        mails = derive_mail(folder)
        folder.save("mail", mails)
        folder.save("findings", mail_summary(folder, mails))
    elif folder.manifest.experiment.load:
        under_load = derive_load(folder)
        folder.save("load", under_load)
        folder.save("findings", load_summary(folder, under_load))
    else:
        found, gate = derive(folder), folder.gate
        if gate:
            found = replace(found, answer=lines(gate))
        if gate and gate.stopped:
            # It stopped by itself, before its cells came to their turn.
            found = replace(found, complete=True, cells=(), effects=(), notes=gate.notes)
        folder.save("findings", found)
    return render(folder)
