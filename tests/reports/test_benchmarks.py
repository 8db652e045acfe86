"""The page of a session of benchmarks: what pytest-benchmark wrote, the slowest first."""

import json
from pathlib import Path
from typing import Any

import pytest

from reports.__main__ import main


def session(*medians: float) -> dict[str, Any]:
    """As pytest-benchmark writes it, with fields that nobody reads."""
    return {
        "machine_info": {
            "node": "somewhere", "machine": "x86_64", "python_version": "3.11.7", "system": "Linux", "release": "6",
            "cpu": {"brand_raw": "A <processor>"},
        },
        "commit_info": {"id": "0123456789abcdef", "dirty": True, "branch": "main"},
        "benchmarks": [
            {
                "group": None, "name": f"test_call_{number}", "fullname": f"benchmarks/test_lab.py::test_call_{number}",
                "params": None,
                "stats": {
                    "min": median * 0.9, "max": median * 2, "mean": median * 1.1, "stddev": 0.0, "rounds": 1234,
                    "median": median, "iqr": 0.0, "q1": median * 0.95, "q3": median * 1.05, "ops": 1 / median,
                    "total": 1.0, "iterations": 5, "outliers": "1;2",
                },
            }
            for number, median in enumerate(medians)
        ],
        "datetime": "2026-01-02T03:04:05+00:00", "version": "5.3.1",
    }  # fmt: skip


def rendered(folder: Path, found: dict[str, Any]) -> str:
    source, target = folder / "found.json", folder / "page.html"
    source.write_text(json.dumps(found), encoding="utf-8")
    assert main(["--benchmarks", str(source), str(target)]) == 0
    return target.read_text(encoding="utf-8")


def test_the_slowest_is_named_first(tmp_path: Path) -> None:
    """With its median, and where it was measured; text of the machine is escaped."""
    page = rendered(tmp_path, session(0.0001, 0.02, 3e-6))
    assert "test_call_1 takes longest: 20.0 ms a call at the median" in page
    assert "test_call_2 is the quickest of 3: 3.00 µs" in page
    assert "0123456789ab+changes" in page
    assert "A &lt;processor&gt;" in page
    assert page.index("test_lab.py::test_call_1") < page.index("test_lab.py::test_call_0")


def test_a_session_without_benchmarks_says_so(tmp_path: Path) -> None:
    """A selection of none is no error of the page's."""
    assert "No benchmark was run." in rendered(tmp_path, session())


@pytest.mark.parametrize("text", ["{", "{}"])
def test_what_pytest_benchmark_did_not_write_is_refused(tmp_path: Path, text: str) -> None:
    """In one line, exit code 2."""
    source = tmp_path / "found.json"
    source.write_text(text, encoding="utf-8")
    assert main(["--benchmarks", str(source), str(tmp_path / "page.html")]) == 2
