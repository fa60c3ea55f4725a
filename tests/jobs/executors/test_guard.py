import pytest

from jobs.executors.guard import Forbidden, check


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
