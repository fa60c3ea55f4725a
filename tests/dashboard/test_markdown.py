"""Descriptions as HTML that can do no harm."""

import pytest

from dashboard.markdown import first_line, html
from tests.computing import at_most


def test_a_runbook_looks_as_people_write_it():
    shown = html("# If it fails\n1. Ask *bob*\n2. `replay` it\n\none\ntwo\n\n|a|\n|-|\n|b|")
    for part in ("<h3>If it fails</h3>", "<li>Ask <em>bob</em></li>", "<code>replay</code>", "<td>b</td>"):
        assert part in shown
    assert "one<br />\ntwo" in shown


@pytest.mark.parametrize("address", ["https://a.example/x?y=1", "http://a.example", "mailto:bob@example.com"])
def test_links_lead_to_the_web_or_to_mail(address):
    assert html(f"[x]({address})") == f'<p><a href="{address}" rel="nofollow noopener noreferrer">x</a></p>\n'


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("see https://a.example/x?y=1&z=2.", "https://a.example/x?y=1&amp;z=2"),
        ("(https://a.example/x)", "https://a.example/x"),
        ("**https://a.example**", "https://a.example"),
    ],
)
def test_an_address_in_plain_text_is_a_link(text, address):
    assert f'href="{address}" rel="nofollow noopener noreferrer">{address}</a>' in html(text)


@pytest.mark.parametrize("text", ["`https://a.example`", "    https://a.example", "xhttps://a.example"])
def test_an_address_in_code_is_none(text):
    assert "href" not in html(text)


def test_a_link_holds_no_other_one():
    assert html("[see https://b.example](https://a.example)").count("<a") == 1


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "&#106;avascript:alert(1)",
        "java\tscript:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "file:///etc/passwd",
        "//evil.example",
        "/jobs/",
        "ftp://a.example",
    ],
)
def test_nothing_else_is_a_link(address):
    for text in (f"[x]({address})", f"<{address}>", f"[x]\n\n[x]: {address}", f"![x]({address})"):
        assert "href" not in html(text)


@pytest.mark.parametrize(
    "text",
    ["<script>alert(1)</script>", "<img src=x onerror=alert(1)>", '<a href="//x">x</a>', "a <b>x</b>"],
)
def test_html_is_text(text):
    shown = html(text)
    assert ["<script" in shown, "<img" in shown, "<a" in shown, "<b>" in shown] == [False] * 4


def test_attributes_cannot_be_broken_out_of():
    shown = html('[x](https://a.example/"onclick=x "t\\"onclick=x") \n\n```sh"onclick=x\ny\n```')
    assert shown.count("onclick=x") == 3
    assert '"onclick' not in shown


def test_no_picture_is_fetched():
    assert "<img" not in html("![x](https://evil.example/x.png)")


@pytest.mark.parametrize("unseen", ["a\u202eb", "a&#x202e;b", "`a\x1b[31m`", "a\u200bb"])
def test_what_would_not_be_seen_gets_a_mark(unseen):
    assert "[U+" in html(unseen) or "␛" in html(unseen)


@pytest.mark.parametrize("piece", ["[", "[a](", "_a", "*a_ ", "&", "> ", "- ", "`", "![[]()"])
def test_no_text_takes_long(piece):
    with at_most(1):
        html((piece * 20_000)[:20_000])


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("# Exports *invoices*\nIf it fails", "Exports invoices"),
        ("\n\n- [see](https://a.example)", "see"),
        ("---\nplain <b>", "plain <b>"),
        ("```\nmake x", "make x"),
        ("", ""),
    ],
)
def test_the_first_line_that_says_something_is_plain_text(text, line):
    assert first_line(text) == line
