"""Groundswell keeps an organising group's systems in step."""

__version__ = "0.1.0"
