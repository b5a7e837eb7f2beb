"""Graphs as they are written, checked and compiled: pure, without a clock, a thread or a store."""
