"""What people would use instead, measured on the same machine: one module a peer.

Each names its configurations in THROUGHPUT, SCHEDULES or SLOW_CALLS. They run in an environment of their own:

    python3 -m venv .venv-peers && .venv-peers/bin/pip install --requirement bench/peers/requirements.txt
"""
