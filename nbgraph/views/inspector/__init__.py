"""What there is to see of a step: its state, what changed, who wrote what, its calls, prints, errors and source.

Owns the answers, as plain JSON-able data made from the store's rows and a run's own words. Knows no widget and no
markup; nothing here is longer than a page can take at once, the rest is asked for piece by piece.
"""
