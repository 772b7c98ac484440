"""A client that asks the service without a pause and counts; it runs in a pod, with the standard library alone.

Two threads: ``fresh`` makes a connection for each request and never tries again; ``retrying`` keeps its connection, as
most libraries do, and sends a request again on a new one if there was no answer. Each second a line of JSON on standard
output has all counts since the start.
"""

from __future__ import annotations

import http.client
import json
import os
import sys
import threading
import time
from collections import Counter
from typing import Any

HOST, BODY = sys.argv[1], sys.argv[2].encode()
HEADERS = {"Content-Type": "application/json", "X-API-Key": os.environ["TOKEN"]}
PAUSE_SECONDS, TIMEOUT_SECONDS, MOST_TRIES = 0.02, 5, 4


class Client(threading.Thread):
    """One of the threads.

    Args:
        keep: Keep the connection, and try again.
    """

    def __init__(self, *, keep: bool) -> None:
        super().__init__(daemon=True)
        self.keep, self.connection = keep, http.client.HTTPConnection(HOST, timeout=TIMEOUT_SECONDS)
        self.versions: Counter[str] = Counter()
        self.failures: Counter[str] = Counter()
        self.retries = 0

    def run(self) -> None:
        while True:
            for attempt in range(1, MOST_TRIES + 1):
                try:
                    self.versions[self.ask()] += 1
                    break
                except (OSError, http.client.HTTPException, ValueError) as error:
                    self.connection.close()
                    if not self.keep or attempt == MOST_TRIES:
                        self.failures[f"{type(error).__name__}: {error}"] += 1
                        break
                    self.retries += 1
            time.sleep(PAUSE_SECONDS)

    def ask(self) -> str:
        """Return the version that answered; ValueError for an answer that is no prediction."""
        self.connection.request("POST", "/predict", BODY, HEADERS)
        response = self.connection.getresponse()
        content = response.read()
        if not self.keep:
            self.connection.close()
        if response.status != http.client.OK:
            raise ValueError(f"status {response.status}: {content[:200]!r}")
        version: str = json.loads(content)["model_version"]
        return version

    def counts(self) -> dict[str, Any]:
        return {"versions": dict(self.versions), "failures": dict(self.failures), "retries": self.retries}


def main() -> None:
    clients = {"fresh": Client(keep=False), "retrying": Client(keep=True)}
    for client in clients.values():
        client.start()
    for second in range(100_000):
        print(json.dumps({"second": second, **{name: each.counts() for name, each in clients.items()}}), flush=True)
        time.sleep(1)


if __name__ == "__main__":
    main()
