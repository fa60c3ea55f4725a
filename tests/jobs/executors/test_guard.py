"""Which addresses jobs may connect to."""

import socket
import threading
import time

import pytest

from jobs.executors import guard
from jobs.executors.guard import Forbidden, Sockets, addresses, check, check_name, connect, is_own_database


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "192.168.0.1",
        "172.16.0.1",
        "100.64.0.1",
        "0.0.0.0",
        "::1",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "fd12::1",
        "169.254.169.254",
        "fe80::1",
        "255.255.255.255",
        "192.0.2.1",
        "224.0.0.1",
        "ff0e::1",
        "fec0::1",
        "::7f00:1",
        "::ffff:0:7f00:1",
        "64:ff9b:1::7f00:1",
    ],
)
def test_addresses_inside_are_refused_in_every_spelling(address):
    with pytest.raises(Forbidden):
        check(address)


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"])
def test_public_addresses_pass(address):
    check(address)


@pytest.mark.parametrize("address", ["10.1.2.3", "::ffff:10.1.2.3"])
def test_an_administrator_opens_networks(settings, address):
    settings.ALLOWED_NETWORKS = ["10.0.0.0/8"]
    check(address)


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "fd00:ec2::254",
        "fd20:ce::254",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
    ],
)
def test_no_allow_list_opens_the_metadata_services(settings, address):
    settings.ALLOWED_NETWORKS = ["0.0.0.0/0", "::/0"]
    with pytest.raises(Forbidden, match="metadata"):
        check(address)


@pytest.fixture
def resolving(monkeypatch):
    """Names that stand for the addresses given, one after the other; nobody else may be asked."""
    real, told = socket.getaddrinfo, {}

    def getaddrinfo(host, port, *args, flags=0, **kwargs):
        if host in told and not flags:
            address = told[host].pop(0) if len(told[host]) > 1 else told[host][0]
            return real(address, port, *args, **kwargs)
        return real(host, port, *args, flags=flags | socket.AI_NUMERICHOST, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return told


@pytest.fixture
def listening():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


@pytest.mark.parametrize(
    "host",
    [
        "169.254.169.254",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "0",
        "::1",
        "::ffff:7f00:1",
        "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::",
        "192.0.0.192",
        "224.0.0.1",
        "localhost",
        "LOCALHOST.",
        "db.localhost",
        "fe80::1%lo",
    ],
)
def test_an_address_in_any_spelling_is_refused_by_name_already(host):
    with pytest.raises(Forbidden):
        check_name(host, 80)


@pytest.mark.parametrize("host", ["billing.example.com", "93.184.215.14", "a..b", "x" * 300, ""])
def test_other_names_show_what_they_are_when_they_are_connected_to(host):
    check_name(host, 80)


@pytest.mark.parametrize("host", ["127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0", "localhost"])
def test_no_spelling_of_an_address_gets_a_connection(listening, host):
    with pytest.raises(Forbidden):
        connect(host, listening.getsockname()[1], 5)


def test_the_address_that_was_checked_is_the_one_connected_to(settings, resolving, listening):
    settings.ALLOWED_NETWORKS = ["127.0.0.1/32"]
    resolving["rebinding.example"] = ["127.0.0.1", "127.0.0.2"]
    with connect("rebinding.example", listening.getsockname()[1], 5) as sock:
        assert sock.getpeername()[0] == "127.0.0.1"


def test_a_name_whose_address_changes_is_checked_each_time(settings, resolving, listening):
    settings.ALLOWED_NETWORKS = ["127.0.0.1/32"]
    resolving["rebinding.example"] = ["127.0.0.1", "127.0.0.2"]
    connect("rebinding.example", listening.getsockname()[1], 5).close()
    with pytest.raises(Forbidden, match=r"127\.0\.0\.2"):
        connect("rebinding.example", listening.getsockname()[1], 5)


def test_addresses_are_given_checked(settings):
    settings.ALLOWED_NETWORKS = ["127.0.0.0/8"]
    assert addresses("127.1", 80) == ["127.0.0.1"]


@pytest.fixture
def own(settings, monkeypatch):
    """Puts Chronos's own data where it is told, with every network allowed."""

    def place(database="", redis="unix:///run/valkey.sock"):
        engine, _, where = database.partition("://")
        host, _, port = where.partition(":")
        found = {"ENGINE": f"django.db.backends.{engine or 'sqlite3'}", "HOST": host, "PORT": port}
        monkeypatch.setitem(settings.DATABASES, "default", {**found, "NAME": "chronos"})
        settings.REDIS_URL = redis
        settings.ALLOWED_NETWORKS = ["0.0.0.0/0", "::/0"]

    return place


@pytest.mark.parametrize(
    ("stores", "address", "port"),
    [
        ({"database": "postgresql://127.0.0.1:15432"}, "127.0.0.1", 15432),
        ({"database": "postgresql://127.0.0.1:15432"}, "127.8.8.8", 15432),
        ({"database": "postgresql://127.0.0.1:15432"}, "::ffff:127.0.0.1", 15432),
        ({"database": "postgresql://127.0.0.1:15432"}, "::1", 15432),
        ({"database": "postgresql://127.0.0.1:15432"}, "0.0.0.0", 15432),
        ({"database": "postgresql://93.184.215.14"}, "93.184.215.14", 5432),
        ({"database": "mysql://93.184.215.14"}, "93.184.215.14", 3306),
        ({"database": "postgresql:///run/postgresql"}, "127.0.0.1", 5432),
        ({"redis": "redis://10.0.0.7/0"}, "10.0.0.7", 6379),
        ({"redis": "rediss://user:secret@10.0.0.7:6380/0"}, "64:ff9b::a00:7", 6380),
        ({"redis": "redis://localhost"}, "127.0.0.1", 6379),
    ],
)
def test_no_allow_list_opens_the_servers_of_our_own_data(own, stores, address, port):
    own(**stores)
    with pytest.raises(Forbidden, match="holds Chronos's own data"):
        check(address, port)


@pytest.mark.parametrize(
    ("stores", "address", "port"),
    [
        ({"database": "postgresql://10.0.0.7"}, "10.0.0.7", 5433),
        ({"database": "postgresql://10.0.0.7"}, "10.0.0.8", 5432),
        ({"database": "postgresql://10.0.0.7"}, "127.0.0.1", 5432),
        ({"redis": "redis://10.0.0.7/0"}, "10.0.0.7", 80),
        ({}, "127.0.0.1", 6379),
    ],
)
def test_what_stands_beside_our_own_data_is_open(own, stores, address, port):
    own(**stores)
    check(address, port)


def test_the_server_of_our_database_may_hold_others(own):
    own("postgresql://10.0.0.7", "redis://10.0.0.7:5432")
    with pytest.raises(Forbidden):
        check("10.0.0.7", 5432, own_database=True)
    own("postgresql://10.0.0.7", "redis://10.0.0.7:6379")
    check("10.0.0.7", 5432, own_database=True)


@pytest.mark.parametrize(
    ("host", "port", "name", "ours"),
    [
        ("127.0.0.1", 15432, "chronos", True),
        ("localhost", 15432, "chronos", True),
        ("127.0.0.1", 15432, "orders", False),
        ("127.0.0.1", 5432, "chronos", False),
        ("10.0.0.7", 15432, "chronos", False),
    ],
)
def test_our_own_database_is_known_by_any_name_of_its_server(own, host, port, name, ours):
    own("postgresql://127.0.0.1:15432")
    assert is_own_database(host, port, name) is ours


@pytest.fixture
def full(settings):
    """A server that takes no connection any more: whoever connects hears nothing."""
    settings.ALLOWED_NETWORKS = ["127.0.0.0/8"]
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        place = server.getsockname()
        waiting = [socket.socket() for _ in range(4)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(place)
        yield place
        for each in waiting:
            each.close()


def test_a_server_that_stays_silent_costs_the_time_that_is_given(full):
    started = time.monotonic()
    with pytest.raises(OSError, match="timed out"):
        connect(*full, 0.3)
    assert 0.2 < time.monotonic() - started < 2


def test_a_silent_address_leaves_time_for_the_next(settings, full, monkeypatch):
    with socket.create_server(("127.0.0.2", 0)) as other:
        places = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", each) for each in (full, other.getsockname())]
        monkeypatch.setattr(Sockets, "look_up", lambda *_: places)
        started = time.monotonic()
        with connect("two.example", 80, 2) as sock:
            assert sock.getpeername() == other.getsockname()
    assert time.monotonic() - started < 1.8


def woken(work):
    """Seconds until the work ended after its sockets were shut down."""
    sockets = Sockets()
    threading.Timer(0.2, sockets.shut_down).start()
    started = time.monotonic()
    with pytest.raises(OSError):  # noqa: PT011 (how it is woken is the system's business)
        work(sockets)
    sockets.close()
    return time.monotonic() - started


def test_whoever_waits_for_a_connection_can_be_woken(full):
    assert woken(lambda sockets: connect(*full, 30, sockets=sockets)) < 5


def test_whoever_waits_for_a_name_server_can_be_woken(monkeypatch):
    released = threading.Event()
    monkeypatch.setattr(guard, "_ask", lambda *_: released.wait(30))
    assert woken(lambda sockets: connect("slow.example", 80, 30, sockets=sockets)) < 5
    released.set()


def test_a_name_server_that_does_not_answer_costs_the_time_that_is_given(monkeypatch):
    released = threading.Event()
    monkeypatch.setattr(guard, "_ask", lambda *_: released.wait(30))
    with pytest.raises(socket.gaierror, match="in time"):
        addresses("slow.example", 80, timeout=0.1)
    released.set()


def test_nothing_is_opened_once_all_is_ended(settings, listening):
    settings.ALLOWED_NETWORKS = ["127.0.0.1/32"]
    sockets = Sockets()
    sockets.shut_down()
    with pytest.raises(OSError, match="stopped"):
        connect(*listening.getsockname(), 5, sockets=sockets)
    sockets.close()
