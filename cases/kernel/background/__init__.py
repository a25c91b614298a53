"""Work in the background: its kinds, doing it row by row, and what is left undone."""
