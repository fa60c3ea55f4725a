"""No call has memory mapped because of how many frames are below it."""

import resource
import sys
from functools import partial

import pytest

from accounts.actions import BACKEND
from chronos_site.stack import roomy
from tests import factories

TURNS = 500
# Enough to come over an edge of Python's stack, wherever the tests stand on it.
DEPTHS = range(200)


def faults(work):
    """How many pages of memory were mapped anew meanwhile."""
    before = resource.getrusage(resource.RUSAGE_THREAD).ru_minflt
    work()
    return resource.getrusage(resource.RUSAGE_THREAD).ru_minflt - before


def below(frames, work):
    return below(frames - 1, work) if frames else work()


def leaf(a=1, b=2, c=3, d=4, e=5, f=6, g=7, h=8):
    """Its frame is larger than that of `below`: no step down goes past where it alone finds no room."""


def loop():
    for _ in range(TURNS):
        leaf()


def worst(work):
    return max(below(depth, partial(faults, work)) for depth in DEPTHS)


def test_a_loop_of_calls_maps_no_memory_however_deep_it_stands():
    # Later Pythons keep a spare piece: python/cpython#142183.
    assert sys.version_info >= (3, 13) or worst(loop) > TURNS * 0.9
    assert worst(roomy(loop)) < TURNS / 5


@pytest.mark.django_db
def test_streams_are_made_with_room(client):
    owner = factories.alice()
    for _ in range(40):
        factories.job(owner)
    client.force_login(owner, BACKEND)

    def stream(depth):
        pieces = client.get("/jobs/export/?format=yaml").streaming_content
        return below(depth, partial(faults, partial(list, pieces)))

    stream(0)
    assert max(map(stream, DEPTHS[::10])) < TURNS


@pytest.mark.django_db
def test_pages_are_drawn_with_room(client):
    owner = factories.alice()
    for _ in range(20):
        factories.run(factories.job(owner))
    client.force_login(owner, BACKEND)
    get = partial(client.get, "/jobs/")
    get()
    assert max(below(depth, partial(faults, get)) for depth in DEPTHS[::10]) < TURNS
