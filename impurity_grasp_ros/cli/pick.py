"""``impurity-grasp pick``: send a job to a running graph, and follow it."""

from __future__ import annotations

import json
import signal
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from impurity_grasp_ros.errors import ErrorCode
from impurity_grasp_ros.plain import plain

if TYPE_CHECKING:
    from impurity_grasp_ros.client import PickFeedback, PickJob, PickResult

FAULT, INTERRUPTED = 1, 130
"""Exit codes of a job that ended with a fault, and of one that was canceled by a signal; 2: there was no job."""

DOING = ("looking", "attending", "deciding", "acting", "waiting for")


def pick(
    max_targets: Annotated[int, typer.Option(min=0, help="Stop after so many; 0: when the workspace is clear.")] = 0,
    max_actions: Annotated[int, typer.Option(min=0, help="Limit on actions; 0: the action's default.")] = 0,
    time_limit: Annotated[float, typer.Option(min=0.0, help="Seconds; 0: no limit.")] = 0.0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Decide once, move nothing.")] = False,
    continuous: Annotated[
        bool, typer.Option("--continuous", help="Go on with each new batch of goods, until Ctrl-C (docs/batches.md).")
    ] = False,
    namespace: Annotated[str, typer.Option(help="Namespace of the graph.")] = "",
    timeout: Annotated[float, typer.Option(min=0.0, help="Seconds to wait for the graph to accept the job.")] = 15.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print only the result, as JSON.")] = False,
) -> None:
    """Have a running graph pick the impurities that lie in its workspace.

    Ctrl-C (or SIGTERM) cancels the job, which stops the arm where it is. Exit codes: 0 the job succeeded, or a
    continuous one was ended by a signal; 1 it ended with a fault; 2 there was no job; 130 it was canceled by a signal.
    """
    from impurity_grasp_ros.client import PickClient  # needs ROS 2, other commands do not

    signal.signal(signal.SIGTERM, _interrupt)
    console, interrupted = Console(quiet=as_json), False
    with PickClient(namespace) as client:
        job = client.start(
            max_targets=max_targets,
            max_actions=max_actions,
            time_limit=time_limit,
            dry_run=dry_run,
            continuous=continuous,
            timeout=timeout,
        )
        try:
            _follow(job, console)
        except KeyboardInterrupt:
            interrupted = True
            console.print("canceling: the arm stops where it is")
            job.end()
        result = job.wait()
    if as_json:
        print(json.dumps(plain(result)))
    else:
        console.print(_summary(result))
    raise typer.Exit(_exit_code(result, interrupted, continuous))


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _follow(job: PickJob, console: Console) -> None:
    """Show how the job goes: a line that changes, and one that stays for each action that has ended."""
    counted = ""
    with console.status("starting") as status:
        for feedback in job.feedback():
            counts = _counts(feedback)
            if counts != counted:
                console.print(f"{feedback.elapsed:6.1f} s  {counts}")
                counted = counts
            status.update(f"{DOING[feedback.phase]} {feedback.waiting_for}".rstrip())


def _counts(state: PickFeedback | PickResult) -> str:
    batch = f"batch {state.batches}: " if state.batches > 1 else ""
    return f"{batch}picked {state.picked}, grasps {state.grasps}, pushes {state.pushes}, moves {state.moves}"


def _summary(result: PickResult) -> str:
    clear = ", the workspace is clear" if result.workspace_clear else ""
    fault = "" if result.error is ErrorCode.NONE else f"\n{result.error.name}: {result.message}"
    return f"{_counts(result)}{clear}{fault}"


def _exit_code(result: PickResult, interrupted: bool, continuous: bool) -> int:
    if result.error is ErrorCode.NONE:
        return 0
    if interrupted and result.error is ErrorCode.CANCELED:
        return 0 if continuous else INTERRUPTED
    return FAULT
