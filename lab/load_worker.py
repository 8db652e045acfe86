"""Yields one worker's share of a load: the process that a master tells what to send, and that sends it all it saw.

`LAB_WORKER_TOKEN=... python -m lab.load_worker HOST:PORT`; ends 0 when the master said so, 2 when none answers.
"""

# Locust patches the standard library when it is imported: it must come first.
from locust.env import Environment  # isort: skip

import logging
import os
import sys
import time
from typing import Any

import msgspec
from locust import runners

from lab.conduct import BrokenLoad, boot_identity, check_listeners, lead_of
from lab.recorder import Recorder
from lab.script import WORKER_TOKEN
from lab.sensors import open_many_files
from lab.trial import LoadScript, split_address
from lab.users import LoadUser, Order
from lab.wire import share_token

runners.CONNECT_RETRY_COUNT = 6
runners.MASTER_HEARTBEAT_TIMEOUT = 10


def main(address: str) -> int:
    """Serves the master at `address` until it says that all is done."""
    logging.basicConfig(level=logging.WARNING)
    open_many_files()
    share_token(os.environ[WORKER_TOKEN])
    host, port = split_address(address)
    environment = Environment(user_classes=[LoadUser], catch_exceptions=False)
    try:
        runner: Any = environment.create_worker_runner(host, port)
    except ConnectionError:
        sys.stderr.write(f"error: no master answers at {address} (or its {WORKER_TOKEN} is another one)\n")
        return 2
    runner.register_message("script", lambda *, msg, **_: _take(runner, msg.data))
    runner.register_message("trial", lambda *, msg, **_: _begin(msg.data))
    runner.send_message("here")
    runner.greenlet.join()
    if not hasattr(LoadUser, "orders"):
        sys.stderr.write(f"error: the master at {address} has all the workers that it expects\n")
        return 2
    return 0


def _take(runner: Any, data: dict[str, str]) -> None:
    script = msgspec.json.decode(data["script"], type=LoadScript)

    def send(frame: bytes) -> None:
        runner.send_message("samples", {"frame": frame})

    LoadUser.prepare(script, token=data["token"], recorder=Recorder(send))
    runner.greenlet.spawn(_report, runner)


def _begin(data: dict[str, Any]) -> None:
    trial = LoadUser.script.trials[data["number"]]
    # On another host the monotonic clock is another one: there a trial starts when the order arrives, and a lead later.
    start = data["start"] if data["boot"] and data["boot"] == boot_identity() else time.monotonic_ns() + lead_of(trial)
    order = Order(number=data["number"], trial=trial, start=start, worker=data["worker"], workers=data["workers"])
    LoadUser.orders.put(order)


def _report(runner: Any) -> None:
    """Sends the master each trial's share, or why there is none."""
    while True:
        result = LoadUser.results.get()
        error, share = "", ""
        try:
            check_listeners()
            if isinstance(result, BaseException):
                error = repr(result)
            else:
                share = msgspec.json.encode(result).decode()
        except BrokenLoad as broken:
            error = str(broken)
        runner.send_message("share", {"share": share, "error": error})


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
