from django.apps import AppConfig


class PeersiteConfig(AppConfig):
    name = "bench.peers.peersite"
    label = "peersite"
