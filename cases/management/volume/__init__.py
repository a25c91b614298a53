"""Many cases in little time: a few are made by the verbs of real work, then each is repeated with other people.

A repeat has its own ids, keys, references and people. Its sealed values, row digests, approvals and chain are computed
anew, so it is as true as the first. Which tables a case spreads over is read from the models, never listed here.
"""
