"""Run a command whose clock is wrong by as many seconds as a file says, and leaps when the file changes.

    python -m tests.faults.shifted FILE manage.py scheduler

What the process forks begins with the clock as it is then. What is counted by the monotonic clock, such as a
sleep, takes its time.
"""

import runpy
import sys
import threading
import time
from datetime import timedelta
from pathlib import Path

import time_machine

GLANCE_SECONDS = 0.05


class Clock:
    """This process's clock, as the file has it."""

    def __init__(self, told):
        self.told = told
        self.known = ""
        self._travel = None
        self.look()

    def look(self):
        # Empty is a file that is just being written.
        if (seconds := self.told.read_text()) and seconds != self.known:
            self.known = seconds
            self._leap(float(seconds))

    def follow(self):
        while True:
            time.sleep(GLANCE_SECONDS)
            self.look()

    def _leap(self, seconds):
        if self._travel:
            self._travel.stop()
        self._travel = time_machine.travel(timedelta(seconds=seconds), tick=True)
        self._travel.start()


def main():
    clock = Clock(Path(sys.argv[1]))
    threading.Thread(target=clock.follow, daemon=True).start()
    del sys.argv[:2]
    runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    main()
