"""How long the processor may be kept: what no other process on the machine changes."""

import time
from contextlib import contextmanager


@contextmanager
def at_most(seconds):
    """The block must take no more of the processor, in all threads of this process."""
    began = time.process_time()
    yield
    assert time.process_time() - began < seconds
