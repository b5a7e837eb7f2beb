"""Pictures of graphs and runs: rows and topology in, pictures out.

Owns drawing, timelines, tables and widgets. Sees the store's rows and a run's own words (``subject``); never the
engine. Nothing here changes what a run does, or imports IPython.
"""
