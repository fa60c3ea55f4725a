"""The product as a newcomer starts it, in a real browser: a job from the form to its outcome."""

import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

# A one-minute cron waits for its minute, and the page follows the run at its own pace.
SOON = 90_000


class Greeter(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"hello from next door")

    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def neighbour():
    with ThreadingHTTPServer(("127.0.0.1", 0), Greeter) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/greeting"
        server.shutdown()


def save(page, name):
    page.get_by_role("button", name="Save", exact=True).first.click()
    page.get_by_role("heading", name=name).wait_for()


def await_runs(page, count):
    """Look at the job's page until it lists so many runs that succeeded; gives their links."""
    job = page.url
    rows = page.locator("main tbody tr", has_text="Succeeded").locator("a[href*='/runs/01']")
    for _ in range(SOON // 500):
        if rows.count() >= count:
            return rows
        page.wait_for_timeout(500)
        page.goto(job)
    raise AssertionError(f"no {count} runs on:\n{page.locator('main').inner_text()}")


def log_of(page, link):
    link.click()
    page.wait_for_url(re.compile("/runs/01"))
    return page.locator("ol.log").inner_text()


def test_an_http_job_on_a_one_minute_cron_runs_and_tells_in_its_log(page, neighbour):
    page.goto("/jobs/new/?type=HTTP&schedule_type=CRON")
    page.get_by_role("textbox", name="Name").fill("greet-next-door")
    page.get_by_label("Cron expression").fill("* * * * *")
    page.get_by_role("textbox", name="URL").fill(neighbour)
    save(page, "greet-next-door")
    log = log_of(page, await_runs(page, 1).first)
    assert f"GET {neighbour}" in log
    assert "hello from next door" in log


def test_a_dummy_job_on_a_five_second_interval_runs_again_and_again(page):
    page.goto("/jobs/new/?type=DUMMY&schedule_type=INTERVAL&interval_seconds=5")
    page.get_by_role("textbox", name="Name").fill("every-five-seconds")
    save(page, "every-five-seconds")
    log = log_of(page, await_runs(page, 2).first)
    assert "Done" in log
