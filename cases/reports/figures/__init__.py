"""Figures over all cases of a quarter: of nobody in particular, and of no restricted matter.

A job counts (`counting`), small counts are pooled (`tables`), people of the office read them, and whoever else gets
them gets them by the word of two people (`releasing`), as files that a task makes (`files`).
"""
