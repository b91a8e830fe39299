"""Picking impurities as a Gymnasium environment, with the camera, attention and primitives of the robot."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from impurity_grasp_ros.config import packaged_parameters
from impurity_grasp_ros.constants import CROP_SIZE_PX
from impurity_grasp_ros.datatypes import Attempt, Attention, AttentionState, Heightmap
from impurity_grasp_ros.errors import ConfigError, ImpurityGraspError
from impurity_grasp_ros.gym.action_grid import COUNT, action_mask, decode
from impurity_grasp_ros.learning.training_config import load_training
from impurity_grasp_ros.overlay import draw_attention
from impurity_grasp_ros.perception.attention import AttentionConfig
from impurity_grasp_ros.perception.heightmap import ProjectionConfig
from impurity_grasp_ros.perception.job_attention import JobAttention
from impurity_grasp_ros.perception.samples import Site
from impurity_grasp_ros.perception.view import ReferenceView, ViewConfig, look
from impurity_grasp_ros.policy.agent import Situation, situation_of
from impurity_grasp_ros.policy.observation import CHANNELS
from impurity_grasp_ros.simulation.environment import Environment, Tally

LOWEST, HIGHEST = -1.0, 10.0
"""Limits of observations: colors are -1 to 1, heights in units of 5 cm."""

MAX_SEED = 2**31 - 1

Observation = NDArray[np.float32]


class PickEnv(gymnasium.Env[Observation, np.int64]):
    """A job in one scene.

    Observation: (8, 112, 112) float32, the crop around what attention has found (red, green, blue, height), and the
    same with everything but the target set to 0; all 0 once the job has ended. Action: one of 8192, a grasp or a push
    at one of 16 angles in one of 16 x 16 squares of 2 cm of the crop. ``info["action_mask"]`` (and
    :meth:`action_masks`, as sb3-contrib calls it) tells which can be executed; any other one does nothing and counts as
    an action.

    Reward: ``target_reward`` for each target that comes into the bin, less ``product_cost`` for each ordinary object
    that does, less ``action_cost`` for each action. Terminated: attention reports that nothing is left. Truncated:
    after ``max_actions``, or when the robot could not go on; ``info["fault"]`` says why.

    Args:
        scene: Name of a scene, or path of a preset.
        max_actions: Actions after which an episode is truncated.
        targets: Number of targets; None: as the scene file says.
        blocks: Number of ordinary blocks; None: as the scene file says.
        target_reward: See above.
        product_cost: See above.
        action_cost: See above.
        render_mode: ``rgb_array`` or None.

    Raises:
        ConfigError: ``max_actions`` is not positive, or the mode is unknown.
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": 1}  # noqa: RUF012  (as in Gymnasium)

    def __init__(
        self,
        scene: str = "random",
        max_actions: int = 30,
        targets: int | None = None,
        blocks: int | None = None,
        target_reward: float = 1.0,
        product_cost: float = 1.0,
        action_cost: float = 0.1,
        render_mode: str | None = None,
    ) -> None:
        if max_actions < 1:
            raise ConfigError(f"max_actions: expected at least 1, received {max_actions}")
        if render_mode not in (None, "rgb_array"):
            raise ConfigError(f"render_mode: expected None or 'rgb_array', received {render_mode!r}")
        self.render_mode = render_mode
        self.observation_space = spaces.Box(LOWEST, HIGHEST, (CHANNELS, CROP_SIZE_PX, CROP_SIZE_PX), np.float32)
        self.action_space = spaces.Discrete(COUNT)
        self._scene, self._targets, self._blocks, self._max_actions = scene, targets, blocks, max_actions
        self._rewards = target_reward, product_cost, action_cost
        self._projection = packaged_parameters("heightmap_node", ProjectionConfig, "projection")
        self._view = packaged_parameters("heightmap_node", ViewConfig, "view")
        self._attention = packaged_parameters("attention_node", AttentionConfig)
        training = load_training("default")
        self._decoding, self._costs = training.decoding, training.costs
        self._environment: Environment | None = None
        self._situation: Situation | None = None
        self._seen: tuple[Heightmap, Attention] | None = None

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Begin a job in a new scene.

        Args:
            seed: Seed of the scene, and of those that follow; None to draw the next one.
            options: ``scene`` replaces the scene for this episode.

        Returns:
            The observation, and the information described above.

        Raises:
            ImpurityGraspError: There is no such scene, or it cannot be generated.
        """
        super().reset(seed=seed)
        if self._environment is None:
            self._environment = Environment()
        number = int(self.np_random.integers(MAX_SEED)) if seed is None else seed
        scene = str((options or {}).get("scene", self._scene))
        self._environment.reset(number, scene, self._targets, self._blocks)
        self._site = Site.of(self._environment.cell)
        self._memory = JobAttention()
        self._before: ReferenceView | None = None
        self._history: list[Attempt] = []
        self._count = 0
        self._tally = self._environment.tally()
        return self._observed()

    def step(self, action: np.int64) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Execute an action, and look.

        Args:
            action: Number of the action.

        Returns:
            Observation, reward, terminated, truncated and information.

        Raises:
            gymnasium.error.ResetNeeded: The episode has ended.
        """
        if self._environment is None or self._situation is None:
            raise gymnasium.error.ResetNeeded("expected reset() before step(): there is no episode")
        self._count += 1
        chosen, fault = decode(self._situation, int(action)), ""
        if chosen is not None:
            primitive = self._situation.primitive(chosen)
            try:
                self._history.append(Attempt(primitive, self._environment.step(primitive)))
            except ImpurityGraspError as error:
                fault = f"{error.code.name}: {error}"
        observation, info = self._observed(fault) if chosen is not None else (self._state(), self._info())
        reward, self._tally = self._reward(self._tally, self._environment.tally()), self._environment.tally()
        terminated = info["state"] == AttentionState.CLEAR.name
        truncated = not terminated and (bool(info["fault"]) or self._count >= self._max_actions)
        if terminated or truncated:
            self._situation = None
        return observation, reward, terminated, truncated, info

    def _reward(self, before: Tally, after: Tally) -> float:
        target, product, action = self._rewards
        picked, lost = after.targets_in_bin - before.targets_in_bin, after.others_in_bin - before.others_in_bin
        return float(target * picked - product * lost - action)

    def _observed(self, fault: str = "") -> tuple[Observation, dict[str, Any]]:
        """Look, attend, and find the primitives that are feasible."""
        assert self._environment is not None
        self._situation, self._fault, self._state_name = None, fault, "UNSEEN"
        try:
            heightmap, before = look(
                self._environment.observe(), self._site, self._projection, self._view, self._before
            )
            last = self._history[-1] if self._history else None
            found = self._memory.attend(heightmap, last, self._attention)
        except ImpurityGraspError as error:
            self._fault = fault or f"{error.code.name}: {error}"
            return self._state(), self._info()
        self._before = before
        self._seen, self._state_name = (heightmap, found), found.state.name
        if found.state is not AttentionState.CLEAR:
            gripper = self._environment.cell.gripper_model
            on_target = found.state is AttentionState.TARGET
            self._situation = situation_of(
                found.crop, found.mask, on_target, heightmap.grid, gripper, self._decoding, self._costs
            )
            if not self.action_masks().any():
                self._fault = self._fault or "NO_PRIMITIVE: expected something to do, found no feasible action"
        return self._state(), self._info()

    def _state(self) -> Observation:
        if self._situation is None:
            return np.zeros(self.observation_space.shape or (), np.float32)
        return np.clip(self._situation.state.transpose(2, 0, 1), LOWEST, HIGHEST).astype(np.float32)

    def _info(self) -> dict[str, Any]:
        tally = self._tally if self._environment is None else self._environment.tally()
        return {
            "action_mask": self.action_masks(),
            "state": self._state_name,
            "fault": self._fault,
            "targets_in_bin": tally.targets_in_bin,
            "others_in_bin": tally.others_in_bin,
        }

    def action_masks(self) -> NDArray[np.int8]:
        """Which actions can be executed, (8192,) int8."""
        return np.zeros(COUNT, np.int8) if self._situation is None else action_mask(self._situation)

    def render(self) -> NDArray[np.uint8] | None:
        """Draw the heightmap with what attention has found; None without ``render_mode``."""
        if self.render_mode is None or self._seen is None:
            return None
        return draw_attention(*self._seen)

    def close(self) -> None:
        """End the simulation."""
        if self._environment is not None:
            self._environment.close()
        self._environment = self._situation = None
