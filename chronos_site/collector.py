"""Python's garbage collector, as suits a process that serves pages."""

import gc

# A page makes some ten thousand objects and drops nearly all of them when it has been sent. By default the
# collector walks through them a dozen times meanwhile, and now and then through all there are: a tenth of a
# second in the midst of a page.
THRESHOLDS = (5_000, 20, 20)


def settle() -> None:
    """Keep what is loaded out of the collector's way, for good, and let it look seldom at the rest."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
