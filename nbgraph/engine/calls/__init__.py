"""Recorded calls: everything that a node asks of the outside world, and of people.

``call`` is what is to be made, ``request`` and ``outcome`` are the texts, ``book`` what one task has recorded,
``naming`` which call is which, ``log`` the durable lines and ``lines`` one attempt's, ``recorder`` one run's,
``desk`` what one attempt asks of it, ``current`` how a decorated function finds its node. ``parts``, ``opened``,
``streams`` and ``turns`` are about answers that come in parts, ``meter`` and ``tally`` about what calls use,
``through`` carries errors past SDKs. Knows the store's records; knows nothing of order, merging or threads of the run.
"""
