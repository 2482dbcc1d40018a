"""Papers as text: PDF, plain text or Markdown, with their title, abstract and the part that describes the method."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ...ir import NascError

SUFFIXES = (".pdf", ".txt", ".md", ".markdown")
_ABSTRACT = re.compile(r"^\W*abstract\W*", re.IGNORECASE | re.MULTILINE)
_METHOD = re.compile(
    r"^[\W\d]*(?:our |the |proposed )*(?:method|methods|methodology|approach|architecture|model)\b[^\n.]{0,60}$",
    re.IGNORECASE | re.MULTILINE,
)
_END = re.compile(r"^[\W\d]*(?:references|bibliography|acknowledge?ments?)\W*$", re.IGNORECASE | re.MULTILINE)
_LONGEST_TITLE = 160


@dataclass(frozen=True, slots=True)
class Paper:
    """A paper: the name of its file, its title, its abstract, and its text from the method on, without references."""

    name: str
    title: str
    abstract: str
    method: str

    def passages(self, length: int) -> Iterator[str]:
        """Return the method in pieces of at most ``length`` characters, cut between sentences where there are any."""
        rest = self.method
        while rest.strip():
            piece = rest[:length]
            cut = max(piece.rfind(". ") + 1, piece.rfind("\n")) if len(rest) > length else len(piece)
            piece = piece[: cut if cut > length // 2 else length]
            yield piece.strip()
            rest = rest[len(piece) :]


def find_papers(path: Path) -> list[Path]:
    """Return the files of papers at a path, a file or a folder with folders in it, in order. Raises NascError."""
    if path.is_file():
        return [path]
    if not path.exists():
        raise NascError.of(f"there is no {path}", "name a paper, or a folder of them", "papers")
    found = sorted(file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES and file.is_file())
    if not found:
        raise NascError.of(f"there is no paper in {path}", f"expected files with {', '.join(SUFFIXES)}", "papers")
    return found


def read_paper(path: Path) -> Paper:
    """Return the paper of a file. Raises NascError where it cannot be read or has no text."""
    text = _pdf(path) if path.suffix.lower() == ".pdf" else _plain(path)
    if not text.strip():
        raise NascError.of(f"{path.name} holds no text", "a scanned paper has to go through OCR first", "papers")
    return paper_of(text, path.name)


def paper_of(text: str, name: str) -> Paper:
    """Return the parts of a paper's text; where no heading tells them apart they begin where such parts do."""
    lines = [line.strip(" #*\t") for line in text.splitlines()]
    title = next((line for line in lines if line), name)[:_LONGEST_TITLE]
    end = _END.search(text, len(text) // 3)
    body = text[: end.start()] if end else text
    abstract = _ABSTRACT.search(body)
    start = abstract.end() if abstract else 0
    method = _METHOD.search(body, start + 200)
    return Paper(name, title, body[start : start + 1500].strip(), body[method.start() if method else start :].strip())


def _plain(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise NascError.of(
            f"cannot read {path}: {error.strerror}", "give a paper or a folder of them", "papers"
        ) from None


def _pdf(path: Path) -> str:
    try:
        from pypdf import PdfReader
        from pypdf.errors import PyPdfError
    except ImportError:
        raise NascError.of(f"{path.name} is a PDF", "pip install pypdf, or give its text", "papers") from None
    try:
        return "\n".join(page.extract_text() for page in PdfReader(path).pages)
    except (PyPdfError, OSError, ValueError, KeyError) as error:
        raise NascError.of(f"{path.name} is no PDF that can be read: {error}", "give its text", "papers") from None
