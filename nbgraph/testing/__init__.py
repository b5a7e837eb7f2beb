"""Helpers for testing graphs: finish tasks in an order of your choice, without a thread.

Imported by nothing in nbgraph. More doors open here as they are built.
"""

from nbgraph.testing.gated import GatedCrew

__all__ = ["GatedCrew"]
