"""Asks an API from outside whether it is well: `python3 .ci/smoke.py http://127.0.0.1:8000`; exit code 1 where not.

Its health, a page of products through both faces, and that it has no lab mode. Standard library only.
"""

import argparse
import json
import sys
import time
import urllib.error
import urllib.request
from typing import Any, Final

QUERY: Final = json.dumps({"query": "{ productList(size: 1) { items { id } } }"}).encode()


class Unwell(Exception):  # noqa: N818 - it names what was found
    """What is wrong, in one line."""


def ask(url: str, *, body: bytes | None = None) -> tuple[int, bytes]:
    """Status and body; status 0 where nobody answers."""
    # Asked from within, there is no proxy that would say by what people come; one that is there says it itself.
    headers = {"Content-Type": "application/json", "X-Forwarded-Proto": "https"}
    request = urllib.request.Request(url, data=body, headers=headers)  # noqa: S310 - main() lets nothing but HTTP in
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - as above
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()
    except OSError as error:
        return 0, str(error).encode()


def products(told: Any) -> list[Any]:
    """The items of a page. Raises Unwell where there is none."""
    items = told.get("items") if isinstance(told, dict) else None
    if not isinstance(items, list):
        raise Unwell(f"a page of products is {json.dumps(told)[:200]}")
    return items


def check(url: str, *, seconds: float, with_data: bool) -> None:
    """Raises Unwell."""
    deadline = time.monotonic() + seconds
    while (found := ask(f"{url}/healthz"))[0] != 200:
        if time.monotonic() > deadline:
            raise Unwell(f"/healthz answers {found[0] or found[1].decode()} for {seconds:g} s")
        time.sleep(0.5)
    status, body = ask(f"{url}/api/products/?size=1")
    if status != 200:
        raise Unwell(f"products through REST: status {status}")
    rest = products(json.loads(body))
    status, body = ask(f"{url}/graphql", body=QUERY)
    if status != 200:
        raise Unwell(f"products through GraphQL: status {status}")
    graphql = products((json.loads(body).get("data") or {}).get("productList"))
    if with_data and not (rest and graphql):
        raise Unwell("there are no products")
    if (status := ask(f"{url}/identity")[0]) != 404:
        raise Unwell(f"/identity answers {status}: it has lab mode, or is none of ours")


def main() -> None:
    """The door."""
    parser = argparse.ArgumentParser(description="Is an API well?")
    parser.add_argument("url", help="as in http://127.0.0.1:8000")
    parser.add_argument("--seconds", type=float, default=60, help="how long it may take to come up (default: 60)")
    parser.add_argument("--with-data", action="store_true", help="there must be a product")
    asked = parser.parse_args()
    if not asked.url.startswith(("http://", "https://")):
        parser.error(f"{asked.url} is no address of an API")
    try:
        check(asked.url.rstrip("/"), seconds=asked.seconds, with_data=asked.with_data)
    except (Unwell, ValueError) as error:
        sys.exit(f"smoke: {asked.url}: {error}")
    print(f"smoke: {asked.url} is well")


if __name__ == "__main__":
    main()
