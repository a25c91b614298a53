"""The bench: what one operation costs, beside two other ways of doing it, in the same run on the same machine.

`ours` is the shipped address or function with every guard on. `ref` is what a good Django developer writes first.
`floor` is the least code that does any of it. The tables of both others are made for a run and dropped after it.
"""
