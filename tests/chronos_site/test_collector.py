"""When the garbage collector looks, in the web process."""

import gc
import os
import subprocess
import sys
import weakref

import pytest

from chronos_site import collector


class Knot:
    """Something that only the collector finds unused."""

    def __init__(self):
        self.itself = self


@pytest.fixture
def web():
    """The collector as in the web process."""
    before = gc.get_threshold()
    gc.collect()
    collector.put_off()
    yield
    gc.set_threshold(*before)


@pytest.mark.usefixtures("web")
class TestInTheWebProcess:
    def test_it_looks_after_a_request_and_not_within_it(self):
        last = [weakref.ref(Knot()) for _ in range(3 * collector.THRESHOLDS[0])][-1]
        assert last()
        collector.tidy()
        assert not last()

    def test_what_is_little_is_left_for_later(self):
        last = weakref.ref(Knot())
        collector.tidy()
        assert last()

    def test_what_has_stayed_is_looked_at_in_the_end(self):
        kept = [Knot()]
        stays = weakref.ref(kept[0])
        for _ in range(collector.THRESHOLDS[1] + 2):
            assert stays()
            for _ in range(collector.THRESHOLDS[0] + 100):
                Knot()
            collector.tidy()
            kept.clear()
        assert not stays()

    def test_within_a_request_that_makes_very_much_it_looks(self):
        made = [weakref.ref(Knot()) for _ in range(collector.MOST_IN_A_REQUEST + 1000)]
        assert any(not each() for each in made)


def test_gunicorn_has_it_look_after_each_request():
    words = (
        "import gc, django; from chronos_site import collector, gunicorn_config as config\n"
        "django.setup()\n"
        "config.when_ready(None)\n"
        "new = [[] for _ in range(3 * collector.THRESHOLDS[0])]\n"
        "before = gc.get_count()[0]\n"
        "config.post_request(None, None, None, None)\n"
        "print(before > 2 * collector.THRESHOLDS[0] > gc.get_count()[0])"
    )
    said = subprocess.run(
        [sys.executable, "-c", words], env=os.environ, capture_output=True, text=True, check=False
    )
    assert said.stdout.splitlines()[-1:] == ["True"], said.stderr
