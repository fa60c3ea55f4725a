"""The parts of HTTP calls, which caches and brokers make too."""
