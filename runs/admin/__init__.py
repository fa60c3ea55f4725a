"""What administrators see of the runs and of what stands beside them."""

from runs.admin import beside, engine

__all__ = ["beside", "engine"]
