"""Imports what several nodes need, before they are forked; see :mod:`impurity_grasp_ros.nodes.forked`."""

import gc

import impurity_grasp_ros.foresight.actors
import impurity_grasp_ros.nodes.attention_node
import impurity_grasp_ros.nodes.heightmap_node
import impurity_grasp_ros.nodes.manager_node
import impurity_grasp_ros.nodes.picker_node
import impurity_grasp_ros.nodes.policy_node
import impurity_grasp_ros.perception.hidden_objects
import impurity_grasp_ros.policy.judged  # noqa: F401

gc.collect()
gc.freeze()  # a collection in a node must not touch, and thereby copy, the memory that it shares with the others
