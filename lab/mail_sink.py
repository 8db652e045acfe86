"""Yields an SMTP server that takes every mail, as slowly and as badly as it is told, and writes down what it saw.

`python -m lab.mail_sink PORT LOG [--delay S] [--refuse SHARE] [--hang SHARE] [--seed N]` serves the loopback until
SIGTERM; from SIGUSR1 to SIGUSR2 it answers no mail. It keeps none either: of each it writes its Message-ID.
"""

import argparse
import asyncio
import json
import random
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from email.parser import BytesHeaderParser
from pathlib import Path
from typing import IO, Any, Final

from aiosmtpd.smtp import SMTP, Envelope, Session

MOST_BYTES: Final = 1_000_000
BUSY: Final = "451 4.3.0 try again later"
NEVER: Final = "554 5.7.1 never"
TAKEN: Final = "250 2.0.0 taken"
HANG: Final = 3600.0


@dataclass(kw_only=True)
class Sink:
    """Answers DATA: refuses a share, for now or for good, takes a share and never says so, and takes all else in time.

    Events are `refused`, `taken` (all of it is here), then `answered`, `hung` or `lost` (the client left first).
    """

    log: IO[str]
    delay: float
    refuse: float
    hang: float
    reject: float = 0.0
    draws: random.Random = field(default_factory=random.Random)
    answers: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's
        """The reply to a mail."""
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        name = str(BytesHeaderParser().parsebytes(content)["Message-ID"])
        draw = self.draws.random()
        if draw < self.refuse:
            self.note("refused", name)
            return BUSY
        peer: Any = session.peer
        port = int(peer[1])
        if self.draws.random() < self.reject:
            self.note("refused", name)
            return NEVER
        self.note("taken", name, port=port)
        if draw < self.refuse + self.hang:
            self.note("hung", name, port=port)
            await asyncio.sleep(HANG)
        try:
            await asyncio.sleep(self.delay)
            await self.answers.wait()
        except asyncio.CancelledError:
            self.note("lost", name, port=port)
            raise
        self.note("answered", name, port=port)
        return TAKEN

    def note(self, what: str, name: str, *, port: int = 0) -> None:
        """Write an event down, with nanoseconds of the wall clock and the client's port."""
        self.log.write(json.dumps({"ns": time.time_ns(), "what": what, "id": name, "port": port}) + "\n")
        self.log.flush()


async def serve(sink: Sink, *, port: int) -> None:
    """Serve until SIGTERM or SIGINT."""
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    sink.answers.set()
    loop.add_signal_handler(signal.SIGUSR1, sink.answers.clear)
    loop.add_signal_handler(signal.SIGUSR2, sink.answers.set)

    def protocol() -> Any:
        return SMTP(sink, data_size_limit=MOST_BYTES, enable_SMTPUTF8=True, hostname="sink.windtunnel.example")

    server = await loop.create_server(protocol, "127.0.0.1", port)
    await ended.wait()
    server.close()


def main(words: Sequence[str] | None = None) -> None:
    """Serve as the command line says."""
    parser = argparse.ArgumentParser(prog="python -m lab.mail_sink", description="An SMTP server that counts.")
    parser.add_argument("port", type=int)
    parser.add_argument("log", type=Path)
    parser.add_argument("--delay", type=float, default=0.0, help="seconds before a mail is taken")
    parser.add_argument("--refuse", type=float, default=0.0, help="share of mails that are refused for now")
    parser.add_argument("--reject", type=float, default=0.0, help="share of mails that are refused for good")
    parser.add_argument("--hang", type=float, default=0.0, help="share of mails that are taken without a reply")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args(words)
    with asked.log.open("a", encoding="utf-8") as log:
        sink = Sink(
            log=log, delay=asked.delay, refuse=asked.refuse, hang=asked.hang, reject=asked.reject,
            draws=random.Random(asked.seed),
        )  # fmt: skip
        asyncio.run(serve(sink, port=asked.port))


if __name__ == "__main__":
    main()
