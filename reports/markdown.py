"""Yields a run's summary as Markdown, for a pull request or a mail: the answer, the verdicts, where and how.

Its sentences are those of the page and of the console. It has no table of all cells: that is `cells.csv`.
"""

import re
from collections.abc import Iterable, Sequence

from lab.wording import face_name, interval, verdict_phrase
from reports import format as text
from reports import study_drawings
from reports.page import Page

_LIVE = re.compile(r"[\\`*<>&|#~]|\](?=[(\[:])|(?<![^\W_])_|_(?![^\W_])")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


def summary(page: Page) -> str:
    """The summary of what `page` shows. The same values give the same text."""
    findings = page.findings
    parts = [f"# {plain(findings.question)}"]
    if not findings.complete:
        parts.append("**This run was interrupted, or is damaged: it shows what was measured until then.**")
    parts += [f"**{plain(line)}**" if not number else plain(line) for number, line in enumerate(findings.answer)]
    parts += [_bullets(f"Note: {plain(note)}" for note in findings.notes)] if findings.notes else []
    parts += [*_verdicts(page), *_loads(page), *_mails(page), *_study(page)]
    facts = (*findings.dataset, *findings.environment)
    parts += ["## Measured on", _bullets(f"{plain(name)}: {plain(value)}" for name, value in facts)]
    if findings.command:
        parts += ["## Again", f"    {_line(findings.command)}"]
    parts.append(
        f"Run {plain(findings.experiment)}/{plain(findings.run)}; brackets hold 95 % intervals. All numbers are in "
        f"findings.json (version {findings.schema_version})."
    )
    return "\n\n".join(parts) + "\n"


def plain(words: str) -> str:
    """Text of a run as Markdown that shows it and nothing else: on one line, without live marks."""
    return _LIVE.sub(lambda match: f"\\{match[0]}", _line(words))


def _line(words: str) -> str:
    return " ".join(_CONTROL.sub(" ", words).split())


def _bullets(items: Iterable[str]) -> str:
    return "\n".join(f"- {item}" for item in items)


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [" | ".join(map(plain, header)), " | ".join("---" for _ in header)]
    lines += [" | ".join(map(plain, row)) for row in rows]
    return "\n".join(f"| {line} |" for line in lines)


def _verdicts(page: Page) -> list[str]:
    parts = []
    for table in page.verdicts:
        rows = [
            (
                row.effect.subject, row.effect.given or text.ABSENT, face_name(row.effect.face) or "both",
                verdict_phrase(row.effect), text.speed(row.effect.typical.estimate), interval(row.effect.typical),
                "; ".join(row.because) or text.ABSENT,
            )
            for row in table.rows
        ]  # fmt: skip
        header = ("of", "at", "face", "verdict", "in words", "ratio [95 %]", "what explains it")
        parts += [f"## {plain(table.operation)}", _table(header, rows)]
    return parts


def _loads(page: Page) -> list[str]:
    if not (page.load and page.load.scalabilities):
        return []
    rows = [
        (
            page.arms.name(each.variant), face_name(each.face), text.rate_interval(each.capacity),
            text.count(each.users), each.limit or text.ABSENT,
        )
        for each in page.load.scalabilities
    ]  # fmt: skip
    return ["## Capacity", _table(("arm", "face", "capacity [95 %]", "at users", "limit"), rows)]


def _mails(page: Page) -> list[str]:
    if not page.mail:
        return []
    rows = [
        (
            cell.server, text.rate(cell.rate), text.duration_interval(cell.request),
            text.duration_interval(cell.delivery), text.count(cell.lost), text.count(cell.extra),
            cell.reason or cell.state,
        )
        for cell in page.mail.cells
    ]  # fmt: skip
    header = ("server", "orders/s", "answered, p50 [95 %]", "mail there, p50 [95 %]", "lost", "sent twice", "state")
    return ["## Orders and their mails", _table(header, rows)]


def _study(page: Page) -> list[str]:
    parts = []
    for table in page.study.tables if page.study else ():
        rows = [[shown.text for shown in row] for row in study_drawings.rows(table)]
        parts += [f"## {plain(table.title)}", plain(table.lead), _table([c.name for c in table.columns], rows)]
    return parts
