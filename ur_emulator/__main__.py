"""``python -m ur_emulator``: an emulated controller and gripper with ideal mechanics."""

from __future__ import annotations

import argparse
import signal

import numpy as np

from ur_emulator.controller import Controller
from ur_emulator.gripper import IdealFingers, UrcapGripper
from ur_emulator.personality import CB3, PERSONALITIES, personality
from ur_emulator.plant import START_JOINTS, IdealArm
from ur_emulator.process import serve
from ur_emulator.server import PORTS, EmulatorServer


def main() -> None:
    """Console script: serve until SIGINT or SIGTERM.

    Raises:
        SystemExit: The joint angles are not allowed, or the ports cannot be served.
    """
    arguments = _parser().parse_args()
    generation, joints = personality(arguments.personality), np.array(arguments.joints)
    controller = Controller(generation, IdealArm(joints), joints)
    if not controller.arm.is_within_limits(joints):
        raise SystemExit(f"expected six angles within the safety limits, received {arguments.joints}")
    server = EmulatorServer(controller, UrcapGripper(IdealFingers()), arguments.host)

    def announce(priority: str) -> None:
        print(f"{generation.banner}, {generation.rate:g} Hz, {priority} scheduling priority, on {arguments.host}")
        for service, port in PORTS.items():
            print(f"  {service:<10}{port}")
        print("ready; press Ctrl-C to stop", flush=True)

    try:
        serve(server, announce, (signal.SIGINT, signal.SIGTERM))
    except OSError as error:
        raise SystemExit(f"expected free ports on {arguments.host}: {error}") from None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="ur-emulator",
        description="Emulate a UR5 controller and a Robotiq 2F-85 with ideal mechanics, to test UR drivers.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address on which the ports are served (%(default)s)")
    parser.add_argument(
        "--personality", default=CB3.name, choices=PERSONALITIES, help="generation of the controller (%(default)s)"
    )
    parser.add_argument(
        "--joints", nargs=6, type=float, default=START_JOINTS, metavar="RAD", help="joint angles at the start"
    )
    return parser


if __name__ == "__main__":
    main()
