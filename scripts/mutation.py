#!/usr/bin/env python3
"""Mutation testing: introduce one fault at a time into a copy of the code, and run the tests of its folder on it.

mutmut changes functions. It does not change numbers outside functions, such as limits, gains and defaults; these are
doubled here. Started by scripts/mutation.sh; the copies are in build/mutation.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import TypeVar

T = TypeVar("T")

ROOT = Path(__file__).resolve().parents[1]
WORK = ROOT / "build" / "mutation"
PACKAGE = "impurity_grasp_ros"
EVALUATION = ("evaluation/metrics", "evaluation/episode", "evaluation/referee")
TARGETS = ("learning", "policy", "perception", "motion", *EVALUATION)
PLUGINS_OFF = [word for name in ("rerunfailures", "randomly", "cacheprovider") for word in ("-p", f"no:{name}")]
PYTEST = ["-q", "-x", *PLUGINS_OFF, "-m", "not slow and not ros"]
TIMEOUT = 900
"""Time limit for the tests of a folder, in seconds."""

MUTMUT = """
[tool.mutmut]
source_paths = ["{package}"]
only_mutate = {modules}
also_copy = {others}
pytest_add_cli_args = {pytest}
pytest_add_cli_args_test_selection = {tests}
do_not_mutate_patterns = ["^\\\\s*raise ", "^\\\\s*f?\\""]
process_isolation = "forkserver"
"""
"""Messages are not mutated. Forks of a process that has used torch's threads would hang, hence the forkserver."""


@dataclass(frozen=True)
class Target:
    """A folder of the package, or a module in a folder. name: such as ``policy`` or ``motion/follower``."""

    name: str

    @property
    def modules(self) -> list[Path]:
        """Paths of the files to mutate, relative to the root."""
        path = ROOT / PACKAGE / self.name
        files = sorted(path.glob("*.py")) if path.is_dir() else [path.with_suffix(".py")]
        return [file.relative_to(ROOT) for file in files]

    @property
    def tests(self) -> str:
        """The tests that are run, relative to the root: those of the same name, else all of the folder."""
        folder, _, module = self.name.partition("/")
        own = own_tests(self.modules[0])
        return own if module and (ROOT / own).is_file() else f"test/{folder}"

    @property
    def folder(self) -> Path:
        """The folder of the copies."""
        return WORK / self.name.replace("/", "_")


@dataclass(frozen=True)
class Count:
    """Number of faults, how many of them the tests detected, and descriptions of the others."""

    faults: int
    noticed: int
    survivors: list[str]

    @property
    def share(self) -> str:
        """Percentage of the faults that the tests detected."""
        return f"{100 * self.noticed / self.faults:.1f} %" if self.faults else "-"


def own_tests(module: Path) -> str:
    """The file of tests that is named after a module, relative to the root."""
    return f"test/{module.parent.name}/test_{module.stem}.py"


def copy_tree(folder: Path) -> None:
    """Copy all tracked files, and untracked ones that git does not ignore."""
    shutil.rmtree(folder, ignore_errors=True)
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    for name in subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0"):
        if name and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)


@dataclass(frozen=True)
class Effort:
    """How much is tried: faults in functions (``sample``) and of other numbers (``constants``), drawn with ``seed``."""

    jobs: int
    sample: int
    constants: int
    seed: int

    def drawn_of(self, faults: list[T], number: int) -> list[T]:
        """The faults that are tried: so many of them, or all for 0."""
        return random.Random(self.seed).sample(faults, number) if number and number < len(faults) else faults


def mutate_functions(target: Target, effort: Effort) -> Count:
    """Let mutmut change the functions of a target."""
    folder = target.folder / "functions"
    copy_tree(folder)
    others = sorted(path.name for path in folder.iterdir() if path.name not in {PACKAGE, "test", "pyproject.toml"})
    with (folder / "pyproject.toml").open("a") as file:
        file.write(
            MUTMUT.format(
                package=PACKAGE,
                modules=json.dumps([str(path) for path in target.modules]),
                others=json.dumps(others),
                pytest=json.dumps(PYTEST),
                tests=json.dumps([target.tests]),
            )
        )
    run = [sys.executable, "-m", "mutmut", "run", "--max-children", str(effort.jobs)]
    with (target.folder / "mutmut.log").open("w") as log:
        # Faults are made, and tests timed, before a name that no fault has ends the run.
        subprocess.run([*run, "none"], cwd=folder, env=environment(), stdout=log, stderr=log, check=False)
        tried = effort.drawn_of(sorted(exit_codes(target, folder)), effort.sample)
        if tried:  # without names, mutmut would try all
            subprocess.run([*run, *tried], cwd=folder, env=environment(), stdout=log, stderr=log, check=True)
    known = exit_codes(target, folder)
    codes = {name: known[name] for name in tried}
    unnoticed = {0: "survived", 5: "no test", 33: "no test", None: "not run"}
    survivors = [f"{unnoticed[code]}: {difference(folder, name)}" for name, code in codes.items() if code in unnoticed]
    return Count(len(codes), len(codes) - len(survivors), survivors)


def exit_codes(target: Target, folder: Path) -> dict[str, int | None]:
    """Of the tests, by name of a fault; None for one that was not tried."""
    files = [folder / "mutants" / f"{path}.meta" for path in target.modules]
    return {name: code for file in files for name, code in json.loads(file.read_text())["exit_code_by_key"].items()}


def difference(folder: Path, name: str) -> str:
    """The name of a mutant and the lines that mutmut changed."""
    command = [sys.executable, "-m", "mutmut", "show", name]
    shown = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True, check=False).stdout
    lines = [line for line in shown.splitlines() if line[:1] in {"+", "-"} and line[:3] not in {"+++", "---"}]
    return "\n    ".join([name, *lines])


def environment() -> dict[str, str]:
    """Environment variables for the tests: they import the copy in their working directory, and use one thread."""
    kept = {key: value for key, value in os.environ.items() if key not in {"PYTHONPATH", "AMENT_PREFIX_PATH"}}
    return kept | {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


@dataclass(frozen=True)
class Constant:
    """A number outside functions. line: counted from 1. start, end: byte offsets in this line."""

    module: Path
    line: int
    start: int
    end: int
    value: float

    def __str__(self) -> str:
        return f"{self.module}:{self.line}: {self.value} -> {self.changed}"

    @property
    def changed(self) -> float:
        """The value with the fault."""
        return self.value * 2 or 1

    def mutated(self, source: bytes) -> bytes:
        """The source of the module with the fault."""
        lines = source.splitlines(keepends=True)
        line = lines[self.line - 1]
        lines[self.line - 1] = line[: self.start] + repr(self.changed).encode() + line[self.end :]
        return b"".join(lines)


def constants(module: Path) -> Iterator[Constant]:
    """The numbers of a module outside functions, except indices and the limits of parameters."""
    waiting: list[ast.AST] = [ast.parse((ROOT / module).read_bytes())]
    while waiting:
        node = waiting.pop()
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.Subscript)):
            continue
        if isinstance(node, ast.keyword) and node.arg in {"low", "high"}:
            continue
        if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)) and not isinstance(node.value, bool):
            yield Constant(module, node.lineno, node.col_offset, node.end_col_offset or 0, node.value)
        waiting += ast.iter_child_nodes(node)


def mutate_constants(target: Target, effort: Effort) -> Count:
    """Double the numbers outside of functions, one at a time in each of several copies."""
    found = effort.drawn_of([item for module in target.modules for item in constants(module)], effort.constants)
    folders: SimpleQueue[Path] = SimpleQueue()
    for job in range(effort.jobs):
        copy_tree(target.folder / f"constants{job}")
        folders.put(target.folder / f"constants{job}")

    def is_noticed(constant: Constant) -> bool:
        folder = folders.get()
        source = (folder / constant.module).read_bytes()
        (folder / constant.module).write_bytes(constant.mutated(source))
        try:
            own = own_tests(constant.module)  # tried first: the whole folder takes minutes
            return not all(
                passes(folder, tests) for tests in dict.fromkeys((own, target.tests)) if (folder / tests).exists()
            )
        finally:
            (folder / constant.module).write_bytes(source)
            folders.put(folder)

    with ThreadPoolExecutor(effort.jobs) as pool:
        noticed = list(pool.map(is_noticed, found))
    survivors = [f"survived: {constant}" for constant, seen in zip(found, noticed, strict=True) if not seen]
    return Count(len(found), sum(noticed), survivors)


def passes(folder: Path, tests: str) -> bool:
    """Whether the tests of a copy pass within the time limit."""
    command = [sys.executable, "-B", "-m", "pytest", *PYTEST, tests]
    try:
        run = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, timeout=TIMEOUT, check=False)
    except subprocess.TimeoutExpired:
        return False
    return run.returncode == 0


def main() -> None:
    """Print a table, row by row; write the survivors to files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "targets", nargs="*", default=TARGETS, help="folders or modules, such as policy or motion/follower"
    )
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes")
    parser.add_argument("--sample", type=int, default=0, help="faults in the functions of each part; 0: all")
    parser.add_argument("--constants", type=int, default=0, help="faults in its other numbers; 0: all")
    parser.add_argument("--seed", type=int, default=0, help="of the sample")
    arguments = parser.parse_args()
    effort = Effort(arguments.jobs, arguments.sample, arguments.constants, arguments.seed)
    WORK.mkdir(parents=True, exist_ok=True)
    print(
        "| part | functions | detected | share | constants | detected | share |\n|---|---|---|---|---|---|---|",
        flush=True,
    )
    for target in map(Target, arguments.targets):
        functions, numbers = mutate_functions(target, effort), mutate_constants(target, effort)
        cells = [str(cell) for count in (functions, numbers) for cell in (count.faults, count.noticed, count.share)]
        print(f"| `{target.name}` | {' | '.join(cells)} |", flush=True)
        listed = "\n".join([*functions.survivors, *numbers.survivors])
        target.folder.with_suffix(".txt").write_text(listed + "\n")
    print(f"survivors: {WORK}/*.txt")


if __name__ == "__main__":
    main()
