"""Recorded HTTP clients: what an SDK sends from inside a node is on record, and a replay needs no network.

``making`` has the functions, ``shims`` the seam to the HTTP library, ``asking`` and ``form`` what is kept of a request
and of its answer, ``secrets`` what never is, ``usage`` what a model's answer says of tokens, ``inner`` the client that
really sends. Knows the engine's recorded calls; no SDK is imported.
"""

from nbgraph.clients.making import arecording_client, arecording_transport, recording_client, recording_transport

__all__ = ["arecording_client", "arecording_transport", "recording_client", "recording_transport"]
