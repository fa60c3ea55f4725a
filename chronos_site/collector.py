"""When Python's garbage collector looks for what nobody uses any more.

By default it does so after every 700 objects. Loading the product makes hundreds of thousands and drops none,
and a page makes ten thousand and drops nearly all of them by itself.
"""

import gc

THRESHOLDS = (5_000, 20, 20)
MOST_IN_A_REQUEST = 100_000


def rest() -> None:
    """Leave it aside while modules are loaded: a fifth of that time was its."""
    gc.disable()


def settle() -> None:
    """Let it leave out what is there now, for good, and look seldom at what comes.

    It does not look first: of what loading leaves, next to nothing is of no use, and finding it would take a
    tenth of the start.
    """
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
    gc.enable()


def put_off() -> None:
    """Let it look after requests, as `tidy` does, and within one only when that makes very much."""
    gc.set_threshold(MOST_IN_A_REQUEST, *THRESHOLDS[1:])


def tidy() -> None:
    """Look at what is new if that is much, and as seldom as usual at what has stayed.

    While a page was made, it took 30 ms of each twentieth one.
    """
    new, stayed, old = gc.get_count()
    if new > THRESHOLDS[0]:
        gc.collect((stayed > THRESHOLDS[1]) + (stayed > THRESHOLDS[1] and old > THRESHOLDS[2]))
