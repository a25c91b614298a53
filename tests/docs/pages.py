"""The written pages of the repository, and what they name. Knows Markdown a little."""

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_CODE = re.compile(r"`([^`\n]+)`")
_FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_PATH = re.compile(r"(?<![\w/.])(?:cases|backoffice|templates|static|tests|docs|\.ci)/[\w./-]*[\w/]")
_HEADING = re.compile(r"^#+ +(.+)$", re.MULTILINE)


def prose(page: Path) -> str:
    """Return a page without its fenced blocks."""
    return _FENCE.sub("", page.read_text(encoding="utf-8"))


def links(page: Path) -> Iterator[str]:
    """Yield the targets of the page's links and pictures that stay in the repository."""
    for target in _LINK.findall(prose(page)):
        if not re.match(r"[a-z]+:", target):
            yield target.replace("\\", "")


def anchors(page: Path) -> set[str]:
    """Return the anchors of the page's headings, made as code hosts make them."""
    titles = (re.sub(r"[`*\\]", "", title).strip().lower() for title in _HEADING.findall(prose(page)))
    return {re.sub(r"[^\w\- ]", "", title).replace(" ", "-") for title in titles}


def paths(page: Path) -> Iterator[str]:
    """Yield every path of the repository that the page names as code."""
    for code in _CODE.findall(prose(page)):
        yield from _PATH.findall(code.replace("\\", ""))


def commands(page: Path, program: str) -> Iterator[str]:
    """Yield the word after `program` wherever the page names it as code: in its text and in its blocks."""
    fenced = (line for block in _FENCE.findall(page.read_text(encoding="utf-8")) for line in block.splitlines())
    for code in [*_CODE.findall(prose(page)), *fenced]:
        yield from re.findall(rf"(?:^|[ /]){re.escape(program)} ([a-z][\w-]*)", code)
