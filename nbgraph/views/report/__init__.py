"""``run.report("r.html")``: a run as one page that needs nothing else, to keep or to send to somebody.

``gathering`` reads the run once, ``limits`` says how much of it is taken, ``views.markup`` makes elements of it,
one file per part of the page (``head``, ``pictures``, ``tasks``, ``states``, ``costs``, ``calls``, ``sources``) writes that part,
``page`` puts them together, ``writing`` puts the file in its place. The page can be read without scripts, also on
paper; with them it has a scrubber. It asks the network for nothing, and says so to the browser.
"""

from nbgraph.views.report.writing import write_report

__all__ = ["write_report"]
