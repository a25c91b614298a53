"""Codes of a complaint, each with its words."""

from __future__ import annotations

__all__ = ["ABOUT", "OUTCOMES"]

ABOUT = (
    ("marketing", "Marketing"),
    ("wrong_data", "Wrong data"),
    ("sharing", "Sharing with others"),
    ("security", "Security of data"),
    ("request_not_answered", "A request that was not answered"),
    ("automated_decision", "An automated decision"),
    ("other", "Something else"),
)
OUTCOMES = (
    ("upheld", "Upheld"),
    ("upheld_in_part", "Upheld in part"),
    ("not_upheld", "Not upheld"),
)
