"""How costs look: amounts as text, tables with bars and sums, and the chart of how they grew.

``money`` writes amounts, ``growth`` sums them step by step, ``picture`` draws that, ``chart`` is ``run.cost_chart()``, ``table`` is what a table of
costs shows in a notebook. What a call cost is read in ``analysis``, not here.
"""
