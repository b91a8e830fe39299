"""Serves a controller and a gripper on the ports of the real ones."""

from __future__ import annotations

import asyncio
import contextlib
import struct
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType

from impurity_grasp_ros.errors import ConfigError
from ur_emulator import rtde
from ur_emulator.controller import Controller
from ur_emulator.dashboard import BANNER, Dashboard
from ur_emulator.delay_line import DelayLine
from ur_emulator.faults import FaultInjector
from ur_emulator.gripper import FingerPlant, UrcapGripper
from ur_emulator.urscript.errors import ScriptError
from ur_emulator.urscript.tokens import ProgramStream
from ur_emulator.variables import Readings

PORTS = {"dashboard": 29999, "primary": 30001, "secondary": 30002, "script": 30003, "rtde": 30004, "gripper": 63352}
CONTROL_PORT = 30999
"""Where faults are asked for."""

MAX_LAG = 0.03
"""Seconds the controller may fall behind the wall clock before it lets time go: what it was sent is read first."""

HANG_UPS = (asyncio.CancelledError, asyncio.IncompleteReadError, ConnectionError)
"""Ends of a session that are nobody's mistake: the server is told to end, or the client has left."""

MISTAKES = (ConfigError, ScriptError, ArithmeticError, LookupError, ValueError, struct.error)
"""What clients do wrong: it ends their connection and is reported."""

Session = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Service:
    """A port, who serves it and who is connected."""

    port: int
    session: Session
    server: asyncio.Server | None = None
    writers: set[asyncio.StreamWriter] = field(default_factory=set)


class EmulatedCell:
    """A controller and a gripper on loopback. faults: further requests that the control port takes, by name."""

    def __init__(
        self,
        controller: Controller,
        fingers: FingerPlant,
        host: str = "127.0.0.1",
        faults: Mapping[str, Callable[..., None]] = MappingProxyType({}),
    ) -> None:
        self._controller = controller
        self._gripper = UrcapGripper(fingers)
        self._dashboard = Dashboard(controller)
        self._faults = FaultInjector(controller, self._gripper, fingers, self, faults)
        self._host = host
        self._clients: dict[rtde.Client, asyncio.StreamWriter] = {}
        self._frozen_until = 0.0
        self._rtde_line = DelayLine()
        self._seconds_per_byte = 0.0
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
        self._frozen_until = time.monotonic() + seconds

    def delay(self, seconds: float) -> None:
        """Let packets of the RTDE interface arrive that many seconds late, either way."""
        self._rtde_line.delay = seconds

    def drip(self, seconds_per_byte: float) -> None:
        """Send the dashboard's answers byte by byte; 0: as one."""
        self._seconds_per_byte = seconds_per_byte

    # Time

    async def _pass_time(self) -> None:
        cycle = self._controller.personality.cycle
        due = time.monotonic()
        while True:
            now = time.monotonic()
            if now < self._frozen_until or now - due > MAX_LAG:
                due = now
            if due <= now and now >= self._frozen_until:
                due += cycle
                self._controller.cycle()
                self._gripper.advance(cycle)
                self._publish()
            self._rtde_line.flush()
            await asyncio.sleep(max(due - time.monotonic(), 0.0))  # also when late: clients are read in between

    def _publish(self) -> None:
        readings = Readings(self._controller)
        for client, writer in self._clients.items():
            data = client.publish(readings)
            if data:
                self._rtde_line.push(partial(_send, writer, data))

    # Connections

    async def _listen(self, name: str) -> None:
        service = self._services[name]
        if service.server is not None:
            return

        async def session(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            service.writers.add(writer)
            try:
                await service.session(reader, writer)
            except HANG_UPS:
                pass
            except MISTAKES as error:
                self._report(name, error)
            finally:
                service.writers.discard(writer)
                with contextlib.suppress(ConnectionError):
                    writer.close()

        service.server = await asyncio.start_server(session, self._host, service.port)

    def _report(self, service: str, error: Exception) -> None:
        self._controller.report(f"{service}: {type(error).__name__}: {error}")

    async def _serve_rtde(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = rtde.Client(self._controller)
        self._clients[client] = writer

        def take(kind: int, payload: bytes) -> None:
            try:
                answer = client.answer(kind, payload)
            except MISTAKES as error:
                self._report("rtde", error)
                writer.transport.abort()
            else:
                self._rtde_line.push(partial(_send, writer, answer))

        try:
            while True:
                size, kind = rtde.header(await reader.readexactly(rtde.HEADER.size))
                self._rtde_line.push(partial(take, kind, await reader.readexactly(size)))
        finally:
            del self._clients[client]
            client.close()

    async def _serve_script(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        stream = ProgramStream()
        while data := await reader.read(65536):
            for program in stream.feed(data.decode("latin-1")):
                self._controller.upload(program)

    async def _serve_dashboard(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._say(writer, BANNER)
        while line := await reader.readline():
            await self._say(writer, self._dashboard.answer(line.decode()))

    async def _say(self, writer: asyncio.StreamWriter, line: str) -> None:
        """A line of the dashboard's, byte by byte if that was asked for."""
        data = f"{line}\n".encode()
        step = 1 if self._seconds_per_byte else len(data)
        for start in range(0, len(data), step):
            writer.write(data[start : start + step])
            await writer.drain()
            await asyncio.sleep(self._seconds_per_byte)

    async def _serve_gripper(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            writer.write(self._gripper.handle(line.decode()))

    async def _serve_control(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            writer.write(f"{self._faults.answer(line.decode())}\n".encode())


def _send(writer: asyncio.StreamWriter, data: bytes) -> None:
    if not writer.is_closing():
        writer.write(data)
