"""Matters that nobody outside their compartment may notice, and the ways in."""
