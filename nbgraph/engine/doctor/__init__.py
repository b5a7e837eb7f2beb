"""The doctor: runs a graph under changed conditions, with calls from the record, and names what moves.

``trial`` is one run and what every task did in it; ``child`` runs trials in processes whose clock, hash seed,
random seed, time zone and locale are chosen; ``operands`` permutes what reducers fold; ``diagnosis`` compares
and says why. Calls nothing, keeps nothing.
"""
