"""Yields carriers that say what a parcel costs: each after a time that is known, some too late, some not at all.

`python -m lab.carriers PORT NAME=SECONDS ...` serves `/NAME?country=GB&grams=1200` on the loopback until SIGTERM; with
`fail` in place of seconds a carrier answers 500 at once. Prices follow from the question, so every answer is known.
"""

import argparse
import asyncio
import json
import signal
import zlib
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import parse_qs, urlsplit

FAIL: Final = "fail"
CARRIERS: Final = ("swift=0.02", "steady=0.04", "thrifty=0.06", "sleepy=2", "broken=fail")
"""What the lab starts: three that answer, one that is too slow for anybody, and one that fails."""


def price(name: str, *, country: str, grams: int) -> dict[str, object]:
    """What a carrier asks for a parcel: cents that depend on its name and the question alone."""
    cents = 300 + zlib.crc32(f"{name}/{country}".encode()) % 700 + grams // 10
    return {"price": f"{cents // 100}.{cents % 100:02d}", "days": 1 + zlib.crc32(name.encode()) % 5}


async def answer(path: str, *, carriers: Mapping[str, str]) -> tuple[int, bytes]:
    """The status and the body of one question."""
    parts = urlsplit(path)
    name, asked = parts.path.strip("/"), parse_qs(parts.query)
    delay = carriers.get(name)
    if delay is None or delay == FAIL:
        return (404 if delay is None else 500), b"{}"
    await asyncio.sleep(float(delay))
    told = price(name, country=asked["country"][0], grams=int(asked["grams"][0]))
    return 200, json.dumps(told).encode()


async def serve(port: int, *, carriers: Mapping[str, str]) -> None:
    """Serve until SIGTERM or SIGINT; a connection may ask again and again."""

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                while (await reader.readline()).strip():
                    pass
                status, body = await answer(line.split()[1].decode(), carriers=carriers)
                head = f"HTTP/1.1 {status} .\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
                writer.write(head.encode() + body)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            # The client left, or this process ends.
            pass
        finally:
            writer.close()

    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    server = await asyncio.start_server(converse, "127.0.0.1", port, backlog=1024)
    await ended.wait()
    server.close()


def main(words: Sequence[str] | None = None) -> None:
    """Serve as the command line says."""
    parser = argparse.ArgumentParser(prog="python -m lab.carriers", description="Carriers with known delays.")
    parser.add_argument("port", type=int)
    parser.add_argument("carriers", nargs="*", default=CARRIERS, metavar="NAME=SECONDS")
    asked = parser.parse_args(words)
    asyncio.run(serve(asked.port, carriers=dict(each.split("=", 1) for each in asked.carriers)))


if __name__ == "__main__":
    main()
