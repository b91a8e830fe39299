"""Starts and stops ``motion_node`` repeatedly in one process, and reports after each time the resources that it holds.

Run as ``python start_stop.py HOST LOOPS``; a line of JSON a loop.
"""

from __future__ import annotations

import gc
import json
import sys
import threading
from pathlib import Path

import rclpy
from rclpy.context import Context
from rclpy.executors import MultiThreadedExecutor
from rclpy.parameter import Parameter

from impurity_grasp_ros.nodes.motion_node import MotionNode
from impurity_grasp_ros.nodes.running import end
from impurity_grasp_ros.nodes.runtime import spin

READY_LIMIT = 30.0


def once(host: str) -> None:
    """Start everything until the robot is ready, then stop it."""
    context = Context()
    rclpy.init(context=context)
    node = MotionNode(context=context, parameter_overrides=[Parameter("robot_ip", value=host)])
    executor, stop = MultiThreadedExecutor(2, context=context), threading.Event()
    executor.add_node(node)
    thread = threading.Thread(target=spin, args=(executor, stop))
    thread.start()
    try:
        node._arm.wait_until_ready(READY_LIMIT)
        node._gripper.wait_until_ready(READY_LIMIT)
    finally:
        stop.set()
        thread.join()
        end(node)
        context.try_shutdown()


def holdings() -> dict[str, int]:
    """Memory and open resources of the process, after garbage collection."""
    gc.collect()
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    children = Path(f"/proc/self/task/{threading.get_native_id()}/children").read_text().split()
    links = [str(link.readlink()) for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    return {
        "memory_kb": int(status["VmRSS"].split()[0]),
        "threads": int(status["Threads"]),
        "sockets": sum(link.startswith("socket:") for link in links),
        "files": len(links),
        "children": len(children),
    }


def main() -> None:
    host, loops = sys.argv[1], int(sys.argv[2])
    for _ in range(loops):
        once(host)
        print(json.dumps(holdings()), flush=True)


if __name__ == "__main__":
    main()
