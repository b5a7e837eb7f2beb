"""Recorded calls: everything that a node asks of the outside world, and of people.

``request`` and ``outcome`` are the texts, ``book`` what one task has recorded, ``naming`` which call is which,
``log`` the durable lines, ``recorder`` one run's, ``desk`` what one attempt asks of it, ``current`` how a
decorated function finds its node. Knows the store's records; knows nothing of order, merging or threads of
the run.
"""
