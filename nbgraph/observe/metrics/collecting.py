"""Metrics of the runs that this process drives, as Prometheus collects them.

Owns the one ``Metrics`` of each registry. A scrape first takes in what is committed: the values then equal the rows in
the stores. What a run did before it was resumed here, in another process or without metrics, is not counted.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Self
from weakref import ReferenceType, WeakKeyDictionary, ref

from nbgraph.engine.posting import catch_up
from nbgraph.observe.metrics import families as of
from nbgraph.observe.metrics.counting import Counter
from nbgraph.observe.metrics.tally import Tally
from nbgraph.observe.used import Reading

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry
    from prometheus_client.core import Metric

    from nbgraph.engine.following import News
    from nbgraph.engine.observing import Followed

_MADE: WeakKeyDictionary[Any, ReferenceType[Any]] = WeakKeyDictionary()
_LOCK = threading.RLock()
_default: CollectorRegistry | None = None


def default_registry() -> CollectorRegistry:
    """Return nbgraph's own registry: apart from Prometheus' global one, so that nothing of yours collides with it."""
    global _default  # noqa: PLW0603 - one in a process, made when it is first wanted
    with _LOCK:
        if _default is None:
            from prometheus_client import CollectorRegistry  # noqa: PLC0415 - only where metrics are asked for

            _default = CollectorRegistry()
        return _default


class Metrics:
    """Counts what engines commit, in one registry; None: ``ng.metrics.registry``.

    ``Engine(graph, metrics=...)`` takes it, or the registry, or True. There is one for each registry: made again, by a
    cell that is run again, it is the same one, and engines that share it add up. A registry that has metrics of these
    names from elsewhere raises Prometheus' own error for duplicates.
    """

    every = 0.25
    """Seconds between two looks; a scrape looks at once."""

    registry: CollectorRegistry

    def __new__(cls, registry: CollectorRegistry | None = None) -> Self:
        """Return the one of ``registry``."""
        registry = default_registry() if registry is None else registry
        with _LOCK:
            known = _MADE.get(registry)
            found = known() if known is not None else None
            return cls._made(registry) if found is None else found

    @classmethod
    def _made(cls, registry: CollectorRegistry) -> Self:
        made = super().__new__(cls)
        made.registry, made._tally, made._live = registry, Tally(), {}
        made._counter = Counter(made._tally)
        registry.register(made)  # which keeps it, as long as it lives itself
        _MADE[registry] = ref(made)
        return made

    _tally: Tally
    _counter: Counter
    _live: dict[Any, Followed]

    # -- as a listener

    def begin(self, run: Followed) -> Counting:
        """Count a drive of a run."""
        return Counting(run, self._counter, self._live)

    # -- as a collector

    def describe(self) -> Iterable[Metric]:
        """Return the families without values: registering asks for the names only."""
        return [_metric(family) for family in of.FAMILIES]

    def collect(self) -> Iterator[Metric]:
        """Yield all families with what is committed now."""
        catch_up(self)
        for family in of.FAMILIES:
            metric = _metric(family)
            for name, labels, value in self._samples(family):
                metric.add_sample(name, labels, value)
            yield metric

    def samples(self) -> Iterator[tuple[str, dict[str, str], float]]:
        """Yield (series, labels, value) of all that is committed now, as a scrape would have it."""
        catch_up(self)
        for family in of.FAMILIES:
            yield from self._samples(family)

    def _samples(self, family: of.Family) -> Iterator[tuple[str, dict[str, str], float]]:
        if family.kind == "gauge":
            yield family.name, {}, float(self._now(family))
        elif family.kind == "histogram":
            for values, spread in self._tally.spreads():
                yield from _histogram(
                    family, dict(zip(family.labels, values, strict=True)), spread.counts, spread.total
                )
        else:
            for values, count in self._tally.counts(family):
                yield f"{family.name}_total", dict(zip(family.labels, values, strict=True)), float(count)

    def _now(self, family: of.Family) -> int:
        glances = [run.glance() for run in list(self._live.values()) if not run.over]
        if family is of.INFLIGHT:
            return sum(len(glance.running) for glance in glances)
        return sum(sum(glance.ready.values()) for glance in glances)

    def __repr__(self) -> str:
        return f"<nbgraph.metrics.Metrics: {len(of.FAMILIES)} metrics in {self.registry!r}>"


class Counting:
    """Counts one drive of a run."""

    def __init__(self, run: Followed, counter: Counter, live: dict[Any, Followed]) -> None:
        self._graph, self._counter, self._live, self._reading = run.graph, counter, live, Reading()
        live[self] = run

    def take(self, news: News) -> None:
        """Count what is new."""
        for row in news.steps:
            self._counter.step(self._graph, row)
        for event in news.events:
            self._counter.event(self._graph, event)
        for line in news.calls:
            told = self._reading.read(line)
            if told is not None:
                self._counter.call(self._graph, told, line.time)

    def end(self) -> None:
        """Nothing of it runs any more."""
        self._live.pop(self, None)


def _metric(family: of.Family) -> Metric:
    from prometheus_client.core import Metric  # noqa: PLC0415 - only where metrics are asked for

    return Metric(family.name, family.help, family.kind)


def _histogram(
    family: of.Family, labels: dict[str, str], counts: tuple[int, ...], total: float
) -> Iterator[tuple[str, dict[str, str], float]]:
    below = 0
    for bound, count in zip((*map(str, of.BUCKETS), "+Inf"), counts, strict=True):
        below += count
        yield f"{family.name}_bucket", {**labels, "le": bound}, float(below)
    yield f"{family.name}_count", labels, float(below)
    yield f"{family.name}_sum", labels, total
