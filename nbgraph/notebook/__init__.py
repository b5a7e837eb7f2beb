"""The edge towards IPython: magics, what a re-run cell means for its graphs, the line of progress.

Thin: every verb is one line over a documented call. ``%load_ext nbgraph`` loads it.
"""
