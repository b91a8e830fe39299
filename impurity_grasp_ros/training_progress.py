"""What a training says of each of its rounds: written by the trainer, read by the benchmark's report."""

from __future__ import annotations

from dataclasses import dataclass

PROGRESS = "progress.jsonl"
"""File in the folder of a training: the statistics of its rounds, one JSON object per line."""


@dataclass(frozen=True)
class RoundReport:
    """Statistics of one round.

    Attributes:
        round: Number of the round, from 1 on.
        attempts: Attempts so far.
        transitions: Transitions in the memory.
        exploration: Probability of a random action.
        loss: Mean loss; NaN in a round without updates.
        grasp_success: Success rate of the greedy grasps; NaN without any.
        push_success: Success rate of the greedy pushes; NaN without any.
    """

    round: int
    attempts: int
    transitions: int
    exploration: float
    loss: float
    grasp_success: float
    push_success: float
