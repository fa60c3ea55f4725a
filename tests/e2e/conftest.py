"""The dashboard of the running product, opened by somebody."""

import pytest


@pytest.fixture
def page(chromium, product):
    """The dashboard, signed in by the form with the password that the first start printed."""
    context = chromium.new_context(base_url=product.url)
    page = context.new_page()
    page.goto("/")
    page.get_by_label("E-mail").fill(product.email)
    page.locator("input[type=password]").fill(product.password)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", name="Overview").wait_for()
    yield page
    context.close()
