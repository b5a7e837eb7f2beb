"""Executing a graph against a store: pure decisions in small files, one thin loop with the concurrency.

Where to look: why a node ran when it did, ``frontier``; in which order things merge, ``order`` and ``merge``;
two writers of one field, ``conflicts``; where a task went next, ``routing``; what a row holds,
``record``; what is committed when, ``ledger``; the loop itself, ``driver``; who runs the nodes, ``workers`` and
``loop``; a past state, ``history``; what a person does with it, ``engine`` and ``run``.
"""
