"""A run with mails is derived from its files alone: counts, times with intervals, ratios where all was delivered."""

from dataclasses import replace
from html import unescape
from pathlib import Path

import numpy as np
import pytest

from lab.conclude import conclude
from lab.findings import Interval
from lab.mail_derive import _ratio, _seen, derive_mail
from lab.mail_findings import MailCell, MailFindings, MailGain
from lab.mail_room import Seen
from lab.mail_trials import MailTrial, OutboxRow
from lab.mail_words import answer, when_it_pays
from lab.recorder import SAMPLE, Fault
from tests.fake_mail import ANSWERED, DELIVERED, mail_run

MS = 1_000_000


def samples(*milliseconds: int, fault: Fault = Fault.NONE) -> np.ndarray:
    """Requests that took so long, due 10 ms apart."""
    rows = np.zeros(len(milliseconds), dtype=SAMPLE)
    for number, taken in enumerate(milliseconds):
        rows[number]["due"] = rows[number]["sent"] = number * 10 * MS
        rows[number]["done"] = (number * 10 + taken) * MS
        rows[number]["fault"] = fault
    return rows


def trial(*mails: tuple[float, float | None, float | None], copies: int = 1) -> MailTrial:
    """Mails by (made, published, taken), in seconds; None for what did not happen."""
    rows = tuple(
        OutboxRow(id=str(number), made_at=made, published_at=published, state="sent")
        for number, (made, published, _) in enumerate(mails)
    )
    seen = [
        Seen(ns=int(taken * 1e9) + copy, what="taken", id=f"<{number}@windtunnel.example>", port=1)
        for number, (_, _, taken) in enumerate(mails)
        if taken is not None
        for copy in range(copies)
    ]
    return MailTrial(server="a", rate=10.0, outbox=rows, seen=tuple(seen))


def test_a_mail_is_followed_from_its_order_to_the_sink():
    """Publishing, queueing, delivery and the drain are the differences of the clocks of outbox and sink."""
    found = _seen(trial((100.0, 100.1, 100.4), (101.0, 101.2, 101.3)), rows=samples(20, 30), damage="")
    assert found.publish == pytest.approx([0.1, 0.2], abs=1e-6)
    assert found.queue == pytest.approx([0.3, 0.1], abs=1e-6)
    assert found.delivery == pytest.approx([0.4, 0.3], abs=1e-6)
    assert found.drain == pytest.approx(0.3, abs=1e-6)
    assert found.request == pytest.approx([0.02, 0.03])
    assert (found.orders, found.mails, found.lost, found.extra, found.reason) == (2, 2, 0, 0, "")


def test_what_is_missing_or_twice_is_counted():
    """An order without a mail is lost; a second copy is extra, and does not count as a mail."""
    found = _seen(trial((1.0, 1.1, None), (1.0, 1.1, 1.2), copies=2), rows=samples(1, 1), damage="")
    assert (found.orders, found.mails, found.lost, found.extra) == (2, 1, 1, 1)


def test_orders_that_the_outbox_does_not_know_make_a_trial_void():
    """Three answers and two orders: what is timed is not what was done."""
    found = _seen(trial((1.0, 1.1, 1.2), (1.0, 1.1, 1.2)), rows=samples(1, 1, 1), damage="")
    assert found.reason == "3 orders were answered, 2 are in the outbox"


def test_a_ratio_of_blocks_that_agree_is_that_ratio():
    """Medians, block by block."""
    pairs = [(np.array([0.01, 0.02, 0.03]) * scale, np.array([0.1, 0.2, 0.3]) * scale) for scale in (1.0, 1.1, 0.9)]
    found = _ratio(pairs)
    assert found.estimate == pytest.approx(0.1)
    assert [found.low, found.high] == pytest.approx([0.1, 0.1])
    assert found.blocks == 3


def interval(value: float) -> Interval:
    """A value with bounds a tenth away."""
    return Interval(estimate=value, low=value * 0.9, high=value * 1.1, blocks=4)


def findings(*, request: float, delivery: float) -> MailFindings:
    """Two servers at one rate, with these ratios."""
    cells = tuple(
        MailCell(
            server=name, rate=30.0, state="measured", orders=600, mails=600, request=interval(0.05),
            delivery=interval(0.06), delivery_p99=interval(0.2),
        )
        for name in ("inline", "Celery")
    )  # fmt: skip
    gain = MailGain(
        server="Celery", reference="inline", rate=30.0, request=interval(request), delivery=interval(delivery)
    )
    return MailFindings(
        delay=0.03, workers=4, seconds=5.0, blocks=4, blocks_done=4, cells=cells, gains=(gain,)
    )  # fmt: skip


def test_one_sentence_says_when_it_pays():
    """Sooner, later or neither: the first sentence says so, and what it costs the mail."""
    assert when_it_pays(findings(request=0.25, delivery=2.0)).startswith("Workers pay where an answer should not")
    assert "answered later with workers" in when_it_pays(findings(request=2.0, delivery=2.0))
    said = answer(findings(request=0.25, delivery=2.0))
    assert "mails take 2.00x longer [1.80x, 2.20x] to be there" in said[0]
    assert "(4.00x faster [3.64x, 4.44x] than inline)" in said[1]
    assert "(beside inline +2.0 % [-8.2 %, +12.2 %], unclear)" in answer(findings(request=1.02, delivery=2.0))[1]
    assert said[-1].startswith("1,200 orders, 1,200 mails at the sink: 0 lost, 0 came more than once")


def test_nothing_measured_is_said():
    """A run without a cell that counts answers nothing."""
    found = findings(request=1.0, delivery=1.0)
    void = replace(found, cells=tuple(replace(cell, state="void") for cell in found.cells), gains=())
    assert answer(void) == ("The question cannot be answered: no server was measured.",)


def test_a_run_is_derived_from_its_files_alone(tmp_path: Path):
    """Every server at every rate has the times that were planted, and the page is drawn of them."""
    folder = mail_run(tmp_path / "run")
    found = derive_mail(folder)
    assert (found.blocks_done, found.notes, found.damages) == (2, (), ())
    first = {cell.server: cell for cell in found.cells if cell.rate == 10.0}
    for name, answered, delivered in zip(first, ANSWERED, DELIVERED, strict=True):
        request, delivery = first[name].request, first[name].delivery
        assert request
        assert request.estimate == pytest.approx(answered * 1.05)
        assert delivery
        assert delivery.estimate == pytest.approx(delivered * 1.05, rel=1e-3)
    page = conclude(folder).read_text(encoding="utf-8")
    assert folder.findings.complete
    assert all(line in unescape(page) for line in answer(found))


def test_a_damaged_sample_file_is_told_and_leaves_its_trial_out(tmp_path: Path):
    """Cut within a frame: that trial counts for nothing, the run is not whole, and the page says which file it was."""
    folder = mail_run(tmp_path / "run", blocks=3)
    path = folder.samples / "mail-01-0-10.samples"
    path.write_bytes(path.read_bytes()[:-7])
    found = derive_mail(folder)
    cells = {(cell.server, cell.rate): cell for cell in found.cells}
    assert len(cells["inline", 10.0].block_requests) == 2
    assert len(cells["inline", 30.0].block_requests) == 3
    conclude(folder)
    assert not folder.findings.complete
    (note,) = folder.findings.notes
    assert note.startswith("A trial is left out whole: mail-01-0-10.samples")


def test_a_missing_sample_file_is_told_and_harms_no_other(tmp_path: Path):
    """The trials of the other files give their times."""
    folder = mail_run(tmp_path / "run", blocks=3)
    (folder.samples / "mail-01-0-10.samples").unlink()
    found = derive_mail(folder)
    assert found.damages == ("mail-01-0-10.samples is missing",)
    assert all(cell.state == "measured" for cell in found.cells)


def test_deriving_needs_a_run_with_mails(tmp_path: Path):
    """A folder that holds no run is refused in one line."""
    from lab.errors import LabError
    from lab.results import RunFolder

    with pytest.raises(LabError, match="manifest.json is missing"):
        derive_mail(RunFolder(tmp_path))
