"""A mode of attention in a package of its own: the target is the reddest object.

pip install examples/own_attention
impurity-grasp benchmark --policy reddest/analytic --scene random --episodes 5
ros2 run impurity_grasp attention_node --ros-args -p mode:=reddest
"""

import cv2
import numpy as np

from impurity_grasp_ros.datatypes import Attention, Heightmap
from impurity_grasp_ros.perception.attention import AttentionConfig
from impurity_grasp_ros.perception.belief import Belief
from impurity_grasp_ros.perception.occlusion import object_cells
from impurity_grasp_ros.perception.target import Detection
from impurity_grasp_ros.perception.where_to_act import attention_on

RED = 60
"""By which the red channel of a target exceeds both others."""


def attend(heightmap: Heightmap, memory: None, config: AttentionConfig, belief: Belief) -> tuple[Attention, None]:
    """What the entry point names. memory: nothing is remembered from view to view. belief: about hidden targets."""
    red, green, blue = np.moveaxis(heightmap.color.astype(np.int16), 2, 0)
    redness = (red - np.maximum(green, blue)).astype(np.float32)
    found = object_cells(heightmap, config.occlusion) & (redness > RED)
    count, labels = cv2.connectedComponents(found.astype(np.uint8))
    sizes = np.bincount(labels.ravel(), minlength=count)[1:]
    mask = labels == 1 + int(sizes.argmax()) if sizes.size else np.zeros_like(found)
    return attention_on(heightmap, Detection(mask, float(mask.any()), redness), config, belief), None
