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


@pytest.fixture
def page(chromium, product):
    """The dashboard, signed in by the form with the password that the first start printed."""
    context = chromium.new_context(base_url=product.url)
    page = context.new_page()
    page.goto("/")
    page.get_by_label("E-mail").fill(product.email)
    page.get_by_label("Password", exact=True).fill(product.password)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", name="Overview").wait_for()
    yield page
    context.close()


def save(page, name):
    page.get_by_role("button", name="Save", exact=True).first.click()
    page.get_by_role("heading", name=name).wait_for()


def first_run(page):
    """Wait until the job's page lists a run that succeeded, then open it."""
    job = page.url
    link = page.locator("main a[href*='/runs/01']").first
    for _ in range(SOON // 1000):
        page.goto(job)
        if page.locator("main table").get_by_text("Succeeded").count():
            break
        page.wait_for_timeout(1000)
    link.click()
    page.wait_for_url(re.compile("/runs/"))


def test_an_http_job_on_a_one_minute_cron_runs_and_tells_in_its_log(page, neighbour):
    page.goto("/jobs/new/?type=HTTP&schedule_type=CRON")
    page.get_by_label("Name").fill("greet-next-door")
    page.get_by_label("Cron expression").fill("* * * * *")
    page.get_by_label("URL").fill(neighbour)
    save(page, "greet-next-door")
    first_run(page)
    log = page.locator("ol.log")
    assert "GET " + neighbour in log.inner_text()
    assert "hello from next door" in log.inner_text()


def test_a_dummy_job_on_a_five_second_interval_runs_again_and_again(page):
    page.goto("/jobs/new/?type=DUMMY&schedule_type=INTERVAL&interval_seconds=5")
    page.get_by_label("Name").fill("every-five-seconds")
    save(page, "every-five-seconds")
    first_run(page)
    assert "Done" in page.locator("ol.log").inner_text()
    page.go_back()
    page.wait_for_function(
        "document.querySelectorAll('main tbody a[href*=\"/runs/01\"]').length > 1", timeout=SOON
    )
