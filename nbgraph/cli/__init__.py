"""The command line, ``nbgraph VERB FILE ...``: one file a group of verbs, thin over functions that have a name elsewhere.

``program`` runs a verb and owns output, errors and exit codes. A verb returns a ``Reply`` and prints nothing.
"""
