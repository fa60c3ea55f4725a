"""The network between two parts, which a test can cut, slow down, let drip or turn into a black hole."""

import socket
import threading
import time
from contextlib import suppress

PIECE = 65536
GLANCE_SECONDS = 0.05
DRIP_SECONDS = 0.01
BAIT = b"COMMIT"


class Proxy:
    """Passes on what is said to `target`, an address or the path of a socket, as `mode` says at that moment.

    PASS, DELAY (each piece waits `delay` seconds), TRICKLE (byte by byte) and HOLE, which takes all and
    answers nothing, without an end of the connection. `traps` are the next cuts: each closes one connection
    BEFORE what holds a COMMIT has been passed on to the target, or right AFTER it.
    """

    def __init__(self, target, host="127.0.0.1"):
        self.target = target
        self.mode = "PASS"
        self.delay = 0.0
        self.traps = []
        self._ends = set()
        self._closed = False
        self._server = socket.create_server((host, 0), backlog=128)
        self.port = self._server.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self):
        """End all connections as a crash does, by a reset."""
        for end in list(self._ends):
            with suppress(OSError):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                end.shutdown(socket.SHUT_RDWR)

    def close(self):
        self._closed, self.mode = True, "PASS"
        self._server.close()
        self.cut()

    def _accept(self):
        with suppress(OSError):
            while True:
                near, _ = self._server.accept()
                threading.Thread(target=self._connect, args=(near,), daemon=True).start()

    def _connect(self, near):
        try:
            far = self._reach()
        except OSError:
            near.close()
            return
        self._ends |= {near, far}
        for pumped in ((near, far, self.traps), (far, near)):
            threading.Thread(target=self._pump, args=pumped, daemon=True).start()

    def _reach(self):
        if isinstance(self.target, tuple):
            return socket.create_connection(self.target)
        far = socket.socket(socket.AF_UNIX)
        far.connect(self.target)
        return far

    def _pump(self, one, other, traps=()):
        with suppress(OSError):
            while said := one.recv(PIECE):
                trap = traps.pop() if traps and BAIT in said else None
                if trap == "BEFORE":
                    break
                self._pass_on(said, other)
                if trap == "AFTER":
                    break
        for end in (one, other):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
            self._ends.discard(end)

    def _pass_on(self, said, other):
        while self.mode == "HOLE":
            time.sleep(GLANCE_SECONDS)
        if self.mode == "DELAY":
            time.sleep(self.delay)
        if self.mode != "TRICKLE":
            other.sendall(said)
            return
        for byte in said:
            time.sleep(DRIP_SECONDS if self.mode == "TRICKLE" else 0)
            other.sendall(bytes([byte]))
