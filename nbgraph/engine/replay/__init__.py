"""Replay: node code runs again, the outside world does not.

``replayer`` goes through a run's rows and runs each node with exactly its recorded input; ``recorded``
answers its calls, ``compare`` says where it does something else, ``report`` shows that, ``quiet`` is a loop
without sockets and a guard against the network. Writes nothing.
"""
