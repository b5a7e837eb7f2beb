"""When what ran, and beside what: a run's rows as spans in lanes, and their static picture.

Owns spans, lanes and axes; all of it is made from ``News`` alone, live and past alike. Knows nothing of widgets.
"""
