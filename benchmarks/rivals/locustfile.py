"""What people write with Locust to time a request: one user, run for one commit and then for the other.

`RIVAL_ASK` is JSON: host, port, headers and the paths that are asked in turn.
"""

import itertools
import json
import os

from locust import FastHttpUser, constant, task

ASKED = json.loads(os.environ["RIVAL_ASK"])


class OneUser(FastHttpUser):
    """Asks for one path after the other, each when the one before was answered."""

    host = f"http://{ASKED['host']}:{ASKED['port']}"
    wait_time = constant(0)
    paths = itertools.cycle(ASKED["paths"])

    @task
    def request(self) -> None:
        """One request and its whole answer."""
        self.client.get(next(self.paths), headers=ASKED["headers"], name="request")
