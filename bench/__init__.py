"""Measurements of the product: `python -m bench NAME --json [--database URL]`, one module per NAME."""
