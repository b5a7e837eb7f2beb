"""What a page says: to whom it goes, and that only sense is heard."""

from __future__ import annotations

import gc

import pytest
from ipywidgets.widgets.widget import _instances

from nbgraph.views.widgets.channel import Channel


class Listener:
    def __init__(self):
        self.heard = []

    def hear(self, message):
        self.heard.append(message)


@pytest.fixture
def channel(wire):
    """A channel on a wire."""
    made = Channel()
    yield made
    made.close()


def say(channel, content):
    """Have the page send something."""
    channel._handle_custom_msg(content, [])


def test_a_message_reaches_the_view_that_it_is_for(channel):
    """Of several views on one channel the one that is named hears it."""
    here, there = Listener(), Listener()
    channel.listen("here", here)
    channel.listen("there", there)
    say(channel, {"to": "here", "kind": "go"})
    assert ([{"to": "here", "kind": "go"}], []) == (here.heard, there.heard)


@pytest.mark.parametrize("content", [None, 5, "go", [], {}, {"to": None}, {"to": ["here"]}, {"kind": "go"}])
def test_what_is_for_nobody_is_left(channel, content):
    """A message of any shape that names no view changes nothing and raises nothing."""
    here = Listener()
    channel.listen("here", here)
    say(channel, content)
    assert [] == here.heard


def test_a_view_that_is_gone_hears_nothing(channel):
    """The channel keeps no view alive."""
    channel.listen("here", Listener())
    gc.collect()
    say(channel, {"to": "here", "kind": "go"})
    assert 0 == len(channel._listeners)


def test_the_channel_is_never_written(channel, wire):
    """After it was opened, nothing is sent on the channel: then clicks come on the browser's own way."""
    channel.listen("here", Listener())
    say(channel, {"to": "here", "kind": "go"})
    assert [] == wire.sent(channel)


def test_clicks_do_not_follow_the_place_of_the_last_message(channel):
    """What ipykernel remembers of where a comm published last is forgotten."""
    channel.comm._reply_subshell_id = "main"
    channel._follow_the_browser()
    assert not hasattr(channel.comm, "_reply_subshell_id")


def test_a_closed_channel_leaves_nothing(wire):
    """Closing frees the channel's comms and the registry's entries."""
    before = set(_instances)
    made = Channel()
    assert wire.open
    made.close()
    assert (set(), before) == (wire.open, set(_instances))
