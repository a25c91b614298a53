"""Signing in: allauth with a second factor for everybody, one-time links, and one-click sign-in in demo mode.

Decides nothing about cases. What a person may do is the kernel's policy.
"""
