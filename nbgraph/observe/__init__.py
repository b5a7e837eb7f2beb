"""What watches runs: metrics, logs, JSON lines, traces. Listeners of an engine; no run depends on any of them.

Knows the store's records and the engine's shapes for listeners; knows nothing of pictures.
"""
