"""Documents of every kind of case: taken in as they stream, judged, sealed, scanned, handed out, checked, erased.

`filetypes` says what is taken, `content` looks at the bytes, `taking` seals them on the way in, `store` keeps what is
large, `handing` opens and re-hashes, `scanning` decides whether one may be handed out, `custody` checks and erases.
"""
