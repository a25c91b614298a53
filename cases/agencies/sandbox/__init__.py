"""The agencies of a demonstration: a TLS server of its own that answers as the real ones would.

It stands for other people's machines, so it shares no code with the rest: standard library and `cryptography` only.
Start it with `manage.py sandbox`, which hands over to `python -m cases.agencies.sandbox FOLDER`.
"""
