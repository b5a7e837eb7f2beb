"""Widgets: what a person sees move. Python writes them, one channel brings back what the page says.

Owns nothing itself: ``doors`` has the functions that open them (``run.view()``, ``ng.dashboard(run)``, ...), each widget
a file of its own, with its page side in ``static/``. A widget's picture is the same drawing that the static views make.
"""
