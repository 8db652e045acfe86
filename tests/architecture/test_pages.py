"""The documentation: a page for each experiment, answers as they were published, and links that lead somewhere."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PUBLISHED = ROOT / "reports" / "published"
EXPERIMENTS = sorted(path.stem for path in (ROOT / "experiments").glob("*.py") if path.stem != "__init__")
HEADINGS = ["Run it", "How it is asked", "What was measured", "What it does not show", "Read on"]
MARKDOWN = sorted(
    path
    for pattern in ("*.md", "docs/**/*.md", "examples/**/*.md", "reports/published/*.md", ".github/**/*.md")
    for path in ROOT.glob(pattern)
)
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def page_of(name: str) -> str:
    return (ROOT / "docs" / "experiments" / f"{name}.md").read_text(encoding="utf-8")


def slugs(path: Path) -> set[str]:
    """The anchors that GitHub gives a file's headings."""
    text = FENCED.sub("", path.read_text(encoding="utf-8"))
    found: set[str] = set()
    for heading in re.findall(r"^#+ (.*)$", text, re.MULTILINE):
        shown = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower().strip()
        slug = re.sub(r"[^\w\- ]", "", shown).replace(" ", "-")
        found.add(slug if slug not in found else f"{slug}-1")
    return found


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_experiment_has_its_page(name: str) -> None:
    """With the same headings in the same order, a command that names it, and links to it from the lists of them."""
    page = page_of(name)
    assert page.startswith(f"# {name}: ")
    assert re.findall(r"^## (.*)$", page, re.MULTILINE) == HEADINGS
    assert "./noxw -s lab" in page
    assert page.count("\n- ") >= 4
    assert f"(docs/experiments/{name}.md)" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"({name}.md)" in (ROOT / "docs" / "experiments" / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_an_answer_is_quoted_as_it_was_published(name: str) -> None:
    """What a page quotes stands in the summary of the published run, word for word; a page without one says so."""
    quoted = [line[2:] for line in page_of(name).splitlines() if line.startswith("> ")]
    path = PUBLISHED / name / "summary.md"
    if path.exists():
        summary = path.read_text(encoding="utf-8").replace("**", "")
        assert quoted
        assert [line for line in quoted if line not in summary] == []
    else:
        assert "Not published: run it." in page_of(name)


def test_published_pages_are_small_and_stand_alone() -> None:
    """Each is under 1 MB and links to no file that is not beside it."""
    for page in PUBLISHED.glob("*/report.html"):
        assert page.stat().st_size < 1_000_000, page
        links = re.findall(r'href="([^#"][^"]*)"', page.read_text(encoding="utf-8"))
        assert [link for link in links if not (page.parent / link).exists()] == [], page


@pytest.mark.parametrize("path", MARKDOWN, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    """Every relative link of a text names a file that is there, and a heading that it has."""
    for target in LINK.findall(FENCED.sub("", path.read_text(encoding="utf-8"))):
        if "://" in target or target.startswith("mailto:"):
            continue
        name, _, fragment = target.partition("#")
        there = (path.parent / name).resolve() if name else path
        assert there.exists(), f"{target} is not there"
        if fragment and there.suffix == ".md":
            assert fragment in slugs(there), f"{target} has no such heading"
