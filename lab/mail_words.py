"""Yields the sentences of a run with mails. It computes nothing beyond what a sentence needs to choose its words."""

from lab.findings import Interval
from lab.mail_findings import MailCell, MailFindings, MailGain
from lab.units import count, rate, seconds
from lab.wording import times_interval


def answer(found: MailFindings) -> tuple[str, ...]:
    """The answer in a few lines: when it pays, then rate by rate, then what became of the mails."""
    measured = [cell for cell in found.cells if cell.state == "measured"]
    if not measured:
        return ("The question cannot be answered: no server was measured.",)
    rates = dict.fromkeys(cell.rate for cell in measured)
    return (
        *_pays(found, measured),
        *(_at(found, [cell for cell in measured if cell.rate == each], level=each) for each in rates),
        _trust(found),
    )


def when_it_pays(found: MailFindings) -> str:
    """One sentence on when workers are worth it."""
    quicker = [gain for gain in found.gains if gain.request.high < 1]
    slower = [gain for gain in found.gains if gain.request.low > 1]
    if not found.gains:
        return "Whether workers pay was not measured."
    wait = seconds(found.delay)
    if len(quicker) == len(found.gains):
        return (
            f"Workers pay where an answer should not wait for the mail server, here {wait} a mail: orders were "
            f"answered sooner at every rate that was tried."
        )
    if slower and not quicker:
        return f"With a mail server that takes {wait}, orders were answered later with workers, at the rates tried."
    where = ", ".join(f"{gain.server} at {rate(gain.rate)}/s" for gain in quicker) or "nowhere for sure"
    return f"With a mail server that takes {wait}, orders are answered sooner with {where}."


def _pays(found: MailFindings, measured: list[MailCell]) -> list[str]:
    later = [gain for gain in found.gains if gain.delivery.low > 1]
    sooner = [gain for gain in found.gains if gain.delivery.high < 1]
    if len(later) == len(found.gains) and later:
        price = f" Their price: mails take {_reach(later)} to be there."
    elif sooner:
        price = f" Mails are there sooner too, {_reach(sooner)}." if len(sooner) == len(found.gains) else ""
    else:
        price = ""
    return [f"{when_it_pays(found)}{price}" if measured else when_it_pays(found)]


def _reach(gains: list[MailGain]) -> str:
    """The least and the most of the ratios of delivery, in words."""
    ordered = sorted(gains, key=lambda gain: abs(gain.delivery.estimate - 1))
    ends = dict.fromkeys((ordered[0], ordered[-1]))
    return " to ".join(times_interval(gain.delivery).replace("slower", "longer") for gain in ends)


def _at(found: MailFindings, cells: list[MailCell], *, level: float) -> str:
    gains = {gain.server: gain for gain in found.gains if gain.rate == level}
    parts = []
    for cell in cells:
        gain = gains.get(cell.server)
        more = f" ({_beside(gain)})" if gain else ""
        parts.append(f"{cell.server}: answered in {_time(cell.request)}{more}, mail there after {_time(cell.delivery)}")
    return f"At {rate(level)} orders/s, {'; '.join(parts)}."


def _beside(gain: MailGain) -> str:
    """How much sooner or later orders are answered than by the reference, as far as that is sure."""
    ratio = times_interval(gain.request)
    unclear = gain.request.low < 1 < gain.request.high
    return f"beside {gain.reference} {ratio}, unclear" if unclear else f"{ratio} than {gain.reference}"


def _time(interval: Interval | None) -> str:
    if interval is None:
        return "no time"
    return f"{seconds(interval.estimate)} [{seconds(interval.low)}, {seconds(interval.high)}]"


def _trust(found: MailFindings) -> str:
    orders, mails = sum(cell.orders for cell in found.cells), sum(cell.mails for cell in found.cells)
    lost, extra = sum(cell.lost for cell in found.cells), sum(cell.extra for cell in found.cells)
    messages, tasks = sum(cell.messages for cell in found.cells), sum(cell.tasks for cell in found.cells)
    by_workers = f"{count(messages)} messages published, {count(tasks)} tasks run, " if messages else ""
    blocks = f"{found.blocks_done} of {found.blocks} blocks, each with a database and servers of its own"
    return (
        f"{count(orders)} orders, {by_workers}{count(mails)} mails at the sink: {count(lost)} lost, {count(extra)} "
        f"came more than once; {blocks}."
    )
