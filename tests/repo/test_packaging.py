"""What pip installs is what the tree holds."""

import re
import subprocess
import sys
from fnmatch import fnmatch
from importlib.metadata import entry_points, version
from pathlib import Path
from typing import Any

import nasc

OUTSIDE = ("tests", "docs", "examples", "benchmarks")
EXTRA_OF_OURS = re.compile(r"nasc\[(.+)]")


def dotted(folder: Path) -> str:
    return ".".join(("nasc", *folder.parts))


def package_files(files: list[Path]) -> list[Path]:
    """The files of the rooms: below a folder that is part of the package, hidden ones left out."""
    inside = [f for f in files if len(f.parts) > 1 and f.parts[0] not in OUTSIDE]
    return [f for f in inside if not any(part.startswith(".") for part in f.parts)]


def test_listed_packages_are_the_folders_that_hold_python(files: list[Path], project: dict[str, Any]) -> None:
    folders = {f.parent for f in package_files(files) if f.suffix == ".py"} | {Path()}
    assert sorted(project["tool"]["setuptools"]["packages"]) == sorted(map(dotted, folders))


def test_every_folder_with_python_has_an_init(root: Path, files: list[Path]) -> None:
    folders = {f.parent for f in package_files(files) if f.suffix == ".py"}
    assert [str(folder) for folder in sorted(folders) if not (root / folder / "__init__.py").is_file()] == []


def claims(package: str, pattern: str, file: Path) -> bool:
    """Whether setuptools takes the file as data of the package by the pattern, a glob below its folder."""
    folder = Path(*package.split(".")[1:])
    if not file.is_relative_to(folder):
        return False
    below = file.relative_to(folder)
    return len(below.parts) == len(Path(pattern).parts) and fnmatch(below.as_posix(), pattern)


def test_package_data_is_every_other_file(files: list[Path], project: dict[str, Any]) -> None:
    listed: dict[str, list[str]] = project["tool"]["setuptools"]["package-data"]
    patterns = [(package, pattern) for package, some in listed.items() for pattern in some]
    data = [f for f in package_files(files) if f.suffix != ".py"] + [Path("py.typed")]
    assert [str(f) for f in data if not any(claims(*pattern, f) for pattern in patterns)] == []
    assert [pattern for pattern in patterns if not any(claims(*pattern, f) for f in data)] == []


def test_core_is_light(project: dict[str, Any]) -> None:
    names = {re.split(r"[<>=\[ ]", line)[0] for line in project["project"]["dependencies"]}
    assert names == {"lark", "rich"}


def test_no_extra_brings_both_onnxruntimes(project: dict[str, Any]) -> None:
    extras: dict[str, list[str]] = project["project"]["optional-dependencies"]

    def resolve(name: str) -> set[str]:
        found: set[str] = set()
        for line in extras[name]:
            ours = EXTRA_OF_OURS.fullmatch(line)
            found |= set().union(*map(resolve, ours[1].split(","))) if ours else {re.split(r"[<>=\[ ]", line)[0]}
        return found

    assert [name for name in extras if {"onnxruntime", "onnxruntime-gpu"} <= resolve(name)] == []


def test_one_version(root: Path) -> None:
    assert version("nasc") == nasc.__version__
    changelog = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = re.search(r"^## (\S+)", changelog, re.MULTILINE)
    assert newest is not None
    assert newest[1] == nasc.__version__


def test_command_is_installed() -> None:
    (command,) = entry_points(group="console_scripts", name="nasc")
    assert command.value == "nasc.cli:main"


def test_import_works_from_anywhere(tmp_path: Path, root: Path) -> None:
    for folder in (tmp_path, root, root / "tests"):
        code = "import nasc.cli; print(nasc.__file__)"
        done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True)
        assert Path(done.stdout.strip()) == root / "__init__.py"


def test_layout_keeps_pytest_in_importlib_mode_working(files: list[Path]) -> None:
    assert Path("conftest.py") not in files
    assert [str(f) for f in files if f.parts[0] == "tests" and f.name == "__init__.py"] == []
