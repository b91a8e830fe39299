"""Serves a controller and a gripper on the ports of the real devices."""

from __future__ import annotations

import asyncio
import contextlib
import struct
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType

from ur_emulator import rtde
from ur_emulator.controller import Controller
from ur_emulator.dashboard import BANNER, DashboardServer
from ur_emulator.delay_line import DelayLine
from ur_emulator.errors import ScriptError
from ur_emulator.faults import FaultInjector
from ur_emulator.gripper import UrcapGripper
from ur_emulator.urscript.tokens import ProgramStream
from ur_emulator.variables import Readings

PORTS = {
    "dashboard": 29999,
    "primary": 30001,
    "secondary": 30002,
    "script": 30003,
    "rtde": 30004,
    "gripper": 63352,
    "faults": 30999,
}
"""TCP ports by service; all but the last are those of the real devices."""

READ_SIZE = 65536
"""Bytes that are read from a script interface at once."""

MAX_LAG = 0.03
"""Seconds that the controller may lag behind the wall clock. If it lags more, it skips time, so that clients that
have sent something are served first."""

DISCONNECTIONS = (asyncio.CancelledError, asyncio.IncompleteReadError, ConnectionError)
"""Regular ends of a session: the server ends, or the client has disconnected."""

CLIENT_ERRORS = (ScriptError, ArithmeticError, LookupError, ValueError, struct.error)
"""Errors that invalid input of a client raises: they are logged and end its connection."""

Session = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
"""Serves one connection until it ends."""


@dataclass
class Service:
    """A TCP port, the function that serves a connection, the listening server if any, and the open connections."""

    port: int
    session: Session
    server: asyncio.Server | None = None
    writers: set[asyncio.StreamWriter] = field(default_factory=set)


class EmulatorServer:
    """Serves the ports and runs the control cycles.

    Args:
        controller: The emulated controller.
        gripper: The emulated gripper.
        host: Address on which the ports are served.
        requests: Handlers of further requests to the fault port, by name.
    """

    def __init__(
        self,
        controller: Controller,
        gripper: UrcapGripper,
        host: str,
        requests: Mapping[str, Callable[..., None]] = MappingProxyType({}),
    ) -> None:
        self._controller = controller
        self._gripper = gripper
        self._dashboard = DashboardServer(controller)
        self._faults = FaultInjector(controller, gripper, self, requests)
        self._host = host
        self._clients: dict[rtde.Client, asyncio.StreamWriter] = {}
        self._frozen_until = 0.0
        self._rtde_line = DelayLine()
        self._seconds_per_byte = 0.0
        sessions: dict[str, Session] = {
            "dashboard": self._serve_dashboard,
            "rtde": self._serve_rtde,
            "gripper": self._serve_gripper,
            "faults": self._serve_faults,
        }
        self._services = {name: Service(port, sessions.get(name, self._serve_script)) for name, port in PORTS.items()}
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self, ready: Callable[[], None] = lambda: None) -> None:
        """Serve until canceled.

        Args:
            ready: Called once all ports are open.

        Raises:
            OSError: A port is taken, or the address is not one of this machine.
        """
        try:
            for name in self._services:
                await self._listen(name)
            ready()
            await self._run_cycles()
        finally:
            for name in self._services:
                self.close(name)

    # Faults of the network

    def drop(self, service: str) -> None:
        """See :meth:`.faults.Network.drop`."""
        for writer in list(self._services[service].writers):
            writer.transport.abort()

    def close(self, service: str) -> None:
        """See :meth:`.faults.Network.close`."""
        server = self._services[service].server
        if server is not None:
            server.close()
            self._services[service].server = None
        self.drop(service)

    def open(self, service: str) -> None:
        """See :meth:`.faults.Network.open`."""
        task = asyncio.ensure_future(self._listen(service))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def freeze(self, seconds: float) -> None:
        """See :meth:`.faults.Network.freeze`."""
        self._frozen_until = time.monotonic() + seconds

    def delay(self, seconds: float) -> None:
        """See :meth:`.faults.Network.delay`."""
        self._rtde_line.delay = seconds

    def drip(self, seconds_per_byte: float) -> None:
        """See :meth:`.faults.Network.drip`."""
        self._seconds_per_byte = seconds_per_byte

    # Time

    async def _run_cycles(self) -> None:
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
            await asyncio.sleep(max(due - time.monotonic(), 0.0))  # even when late, so that clients are served

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
            except DISCONNECTIONS:
                pass
            except CLIENT_ERRORS as error:
                self._log(name, error)
            finally:
                service.writers.discard(writer)
                with contextlib.suppress(ConnectionError):
                    writer.close()

        service.server = await asyncio.start_server(session, self._host, service.port)

    def _log(self, service: str, error: Exception) -> None:
        self._controller.log_event(f"{service}: {type(error).__name__}: {error}")

    async def _serve_rtde(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = rtde.Client(self._controller)
        self._clients[client] = writer

        def process(kind: int, payload: bytes) -> None:
            try:
                answer = client.answer(kind, payload)
            except CLIENT_ERRORS as error:
                self._log("rtde", error)
                writer.transport.abort()
            else:
                self._rtde_line.push(partial(_send, writer, answer))

        try:
            while True:
                size, kind = rtde.header(await reader.readexactly(rtde.HEADER.size))
                self._rtde_line.push(partial(process, kind, await reader.readexactly(size)))
        finally:
            del self._clients[client]
            client.close()

    async def _serve_script(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        stream = ProgramStream()
        while data := await reader.read(READ_SIZE):
            for program in stream.feed(data.decode("latin-1")):
                self._controller.upload(program)

    async def _serve_dashboard(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._send_line(writer, BANNER)
        while line := await reader.readline():
            await self._send_line(writer, self._dashboard.answer(line.decode()))

    async def _send_line(self, writer: asyncio.StreamWriter, line: str) -> None:
        """Send a line of the dashboard, byte by byte if that was requested."""
        data = f"{line}\n".encode()
        step = 1 if self._seconds_per_byte else len(data)
        for start in range(0, len(data), step):
            writer.write(data[start : start + step])
            await writer.drain()
            await asyncio.sleep(self._seconds_per_byte)

    async def _serve_gripper(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            writer.write(self._gripper.handle(line.decode()))

    async def _serve_faults(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            writer.write(f"{self._faults.answer(line.decode())}\n".encode())


def _send(writer: asyncio.StreamWriter, data: bytes) -> None:
    if not writer.is_closing():
        writer.write(data)
