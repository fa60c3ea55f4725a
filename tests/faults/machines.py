"""Machines of their own, as far as the network and their names go, beside one another on a switch."""

import os
import shutil
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass

HERE = "10.77.0.1"
NETWORK = "10.77.0.0/24"


def possible():
    """Whether this machine may make others."""
    if os.getuid() or not shutil.which("ip"):
        return False
    probe = f"chronos-{os.getpid()}"
    if subprocess.run(["ip", "netns", "add", probe], capture_output=True, check=False).returncode:
        return False
    _ip("netns", "delete", probe)
    return True


@dataclass(frozen=True)
class Machine:
    name: str
    cable: str

    @property
    def on(self):
        """The command that runs another one there."""
        named = ("unshare", "--uts", "sh", "-c", 'hostname "$0"; exec "$@"', self.name)
        return ("ip", "netns", "exec", self.name, *named)

    def cut_off(self):
        _ip("link", "set", self.cable, "down")

    def join(self):
        _ip("link", "set", self.cable, "up")


@contextmanager
def machines(count):
    """So many machines, which reach this one at `HERE`."""
    switch = f"chr{os.getpid()}"
    names = [f"{switch}-{number}" for number in range(count)]
    try:
        _ip("link", "add", switch, "type", "bridge")
        _ip("address", "add", f"{HERE}/24", "dev", switch)
        _ip("link", "set", switch, "up")
        yield [_plug(name, switch, number) for number, name in enumerate(names)]
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "delete", name], capture_output=True, check=False)
        subprocess.run(["ip", "link", "delete", switch], capture_output=True, check=False)


def _plug(name, switch, number):
    cable = f"{switch}v{number}"
    _ip("netns", "add", name)
    _ip("link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", name)
    _ip("link", "set", cable, "master", switch, "up")
    inside = ("-netns", name)
    _ip(*inside, "address", "add", f"10.77.0.{number + 2}/24", "dev", "eth0")
    for device in ("eth0", "lo"):
        _ip(*inside, "link", "set", device, "up")
    return Machine(name, cable)


def _ip(*words):
    subprocess.run(["ip", *words], check=True)
