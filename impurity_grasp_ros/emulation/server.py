"""Serves a controller and a gripper on the ports of the real ones."""

from __future__ import annotations

import asyncio
import contextlib
import struct
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from impurity_grasp_ros.emulation import rtde
from impurity_grasp_ros.emulation.controller import Controller
from impurity_grasp_ros.emulation.dashboard import BANNER, Dashboard
from impurity_grasp_ros.emulation.faults import FaultInjector
from impurity_grasp_ros.emulation.gripper import FingerPlant, UrcapGripper
from impurity_grasp_ros.emulation.urscript.tokens import ProgramStream
from impurity_grasp_ros.emulation.variables import Readings
from impurity_grasp_ros.errors import ConfigError

PORTS = {"dashboard": 29999, "primary": 30001, "secondary": 30002, "script": 30003, "rtde": 30004, "gripper": 63352}
CONTROL_PORT = 30999
"""Where faults are asked for."""

MAX_LAG = 0.5
"""Seconds the controller may fall behind the wall clock before it lets time go."""

Session = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Service:
    """A port, who serves it and who is connected."""

    port: int
    session: Session
    server: asyncio.Server | None = None
    writers: set[asyncio.StreamWriter] = field(default_factory=set)


class EmulatedCell:
    """A controller and a gripper on loopback.

    on_cycle: called after every control cycle. faults: further requests that the control port takes, by name.
    """

    def __init__(
        self,
        controller: Controller,
        fingers: FingerPlant,
        host: str = "127.0.0.1",
        on_cycle: Callable[[], None] = lambda: None,
        faults: Mapping[str, Callable[..., None]] = MappingProxyType({}),
    ) -> None:
        self._controller = controller
        self._gripper = UrcapGripper(fingers)
        self._dashboard = Dashboard(controller)
        self._faults = FaultInjector(controller, self._gripper, fingers, self, faults)
        self._host = host
        self._on_cycle = on_cycle
        self._clients: dict[rtde.Client, asyncio.StreamWriter] = {}
        self._frozen_until = 0.0
        sessions: dict[str, Session] = {
            "dashboard": self._serve_dashboard,
            "rtde": self._serve_rtde,
            "gripper": self._serve_gripper,
            "control": self._serve_control,
        }
        ports = {**PORTS, "control": CONTROL_PORT}
        self._services = {name: Service(port, sessions.get(name, self._serve_script)) for name, port in ports.items()}
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self, ready: Callable[[], None] = lambda: None) -> None:
        """Listen and let time pass until cancelled; raises OSError when a port is taken."""
        try:
            for name in self._services:
                await self._listen(name)
            ready()
            await self._pass_time()
        finally:
            for name in self._services:
                self.close(name)

    # What faults do to the network

    def drop(self, service: str) -> None:
        """Break all connections of a service."""
        for writer in list(self._services[service].writers):
            writer.transport.abort()

    def close(self, service: str) -> None:
        """Break them, and listen no more until it is opened."""
        server = self._services[service].server
        if server is not None:
            server.close()
            self._services[service].server = None
        self.drop(service)

    def open(self, service: str) -> None:
        """Listen again."""
        task = asyncio.ensure_future(self._listen(service))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def freeze(self, seconds: float) -> None:
        """Send and compute nothing for seconds."""
        self._frozen_until = time.monotonic() + float(seconds)

    # Time

    async def _pass_time(self) -> None:
        cycle = self._controller.personality.cycle
        due = time.monotonic()
        while True:
            now = time.monotonic()
            if now < self._frozen_until or now - due > MAX_LAG:
                due = now
            while due <= now and now >= self._frozen_until:
                due += cycle
                self._controller.cycle()
                self._gripper.advance(cycle)
                self._on_cycle()
                self._publish()
            await asyncio.sleep(max(due - time.monotonic(), 0.0005))

    def _publish(self) -> None:
        readings = Readings(self._controller)
        for client, writer in self._clients.items():
            data = client.publish(readings)
            if data and not writer.is_closing():
                writer.write(data)

    # Connections

    async def _listen(self, name: str) -> None:
        service = self._services[name]
        if service.server is not None:
            return

        async def session(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            service.writers.add(writer)
            try:
                await service.session(reader, writer)
            except (
                asyncio.IncompleteReadError,
                ConnectionError,
                ConfigError,
                UnicodeDecodeError,
                struct.error,
            ) as error:
                if isinstance(error, (ConfigError, struct.error)):
                    self._controller.report(f"{name}: {error}")
            finally:
                service.writers.discard(writer)
                with contextlib.suppress(ConnectionError):
                    writer.close()

        service.server = await asyncio.start_server(session, self._host, service.port)

    async def _serve_rtde(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = rtde.Client(self._controller)
        self._clients[client] = writer
        try:
            while True:
                size, kind = rtde.HEADER.unpack(await reader.readexactly(rtde.HEADER.size))
                writer.write(client.answer(kind, await reader.readexactly(size - rtde.HEADER.size)))
        finally:
            del self._clients[client]
            client.close()

    async def _serve_script(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        stream = ProgramStream()
        while data := await reader.read(65536):
            for program in stream.feed(data.decode("latin-1")):
                self._controller.upload(program)

    async def _serve_dashboard(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(f"{BANNER}\n".encode())
        while line := await reader.readline():
            writer.write(f"{self._dashboard.answer(line.decode())}\n".encode())

    async def _serve_gripper(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            writer.write(self._gripper.handle(line.decode()))

    async def _serve_control(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            writer.write(f"{self._faults.answer(line.decode())}\n".encode())
