"""A real Jupyter kernel that tests talk to as a front end does: cells with ids, the stop button, answers to a prompt."""

from __future__ import annotations

import os
import queue
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jupyter_client import kernelspec, manager

from tests.kernels import LOCKED, write_kernelspec

SOON = 60.0
SLEEPS = """
print('asleep', flush=True)
import time
for _ in range(600): time.sleep(0.05)
"""


class Notebook:
    """Cells sent to one kernel."""

    def __init__(self, kernel, client):
        self.kernel, self.client = kernel, client

    def send(self, cell, cell_id=None, answers=False):
        """Start a cell, with an id as JupyterLab sends it; return the id of the message."""
        content = {"code": cell, "silent": False, "store_history": True, "user_expressions": {}}
        content |= {"allow_stdin": answers, "stop_on_error": False}
        metadata = {} if cell_id is None else {"cellId": cell_id}
        message = self.client.session.msg("execute_request", content, metadata=metadata)
        self.client.shell_channel.send(message)
        return message["header"]["msg_id"]

    def messages(self, sent):
        """Yield what the kernel publishes for a cell, until it is done."""
        end, begun = time.monotonic() + SOON, False
        while time.monotonic() < end:
            try:
                message = self.client.get_iopub_msg(timeout=1.0)
            except queue.Empty:
                if not begun:
                    self._remind()
                continue
            if message["parent_header"].get("msg_id") == sent:
                begun = True
                yield message
                if message["content"].get("execution_state") == "idle":
                    return
        raise AssertionError("the cell did not end")

    def _remind(self):
        """Have a kernel look at its messages.

        ipykernel 7.0 to 7.3 sends on the shell's socket beside the stream that reads it, which now and then costs the
        reader the sign that a message came. It then sleeps, whatever else comes, until somebody new connects: a message
        of a front end that is known finds a queue that is not empty, and rings no more. 7.4 sends through the stream.
        """
        somebody = self.kernel.connect_shell()
        self.client.session.send(somebody, "kernel_info_request")
        somebody.close(linger=1000)

    def outputs(self, sent, until=None):
        """Collect a cell's text until it is done, or until ``until`` is printed."""
        text = ""
        for message in self.messages(sent):
            text += said(message)
            if until and until in text:
                break
        return text

    def run(self, cell, cell_id=None):
        """Run a cell to its end; return what it said."""
        return self.outputs(self.send(cell, cell_id))

    def stop(self, cell, after):
        """Run a cell, press stop once it has printed ``after``; return what it said, and how long it took from then.

        In seconds more than a cell took just before that only sleeps: others may be using the machine. A cell or node
        that sleeps on the kernel's main thread does so in slices: CPython hears a signal that comes just before a sleep
        begins only after it, once in some thousand times on a busy machine, whatever the cell does.
        """
        _, plain = self._stop(SLEEPS, after="asleep")
        said, seconds = self._stop(cell, after)
        return said, seconds - plain

    def _stop(self, cell, after):
        sent = self.send(cell)
        self.outputs(sent, until=after)
        start = time.monotonic()
        self.kernel.interrupt_kernel()
        return self.outputs(sent), time.monotonic() - start

    def talk(self, cell, answers):
        """Run a cell that prompts; give it one answer after the other. Return what it said between them."""
        sent = self.send(cell, answers=True)
        for answer in answers:
            self.client.get_stdin_msg(timeout=SOON)
            self.client.input(answer)
        return self.outputs(sent)

    def complete(self, text):
        """Return what the kernel offers at the end of ``text``."""
        return self.client.complete(text, len(text), reply=True, timeout=SOON)["content"]["matches"]


def said(message):
    """Return a message's text: printed, shown, or the traceback."""
    content = message["content"]
    text = "\n".join(content["traceback"]) if message["msg_type"] == "error" else content.get("text")
    return re.sub(r"\x1b\[[0-9;]*m", "", text or content.get("data", {}).get("text/plain", ""))


@contextmanager
def started_kernel(folder: Path, version: str = LOCKED) -> Iterator[Notebook]:
    """Start a kernel that works in ``folder`` and keeps its settings there; end it afterwards."""
    env = {**os.environ, "IPYTHONDIR": str(folder), "JUPYTER_RUNTIME_DIR": str(folder)}
    specs = kernelspec.KernelSpecManager(kernel_dirs=[str(folder / "kernels")])
    kernel = manager.KernelManager(kernel_name=write_kernelspec(version, folder), kernel_spec_manager=specs)
    kernel.start_kernel(env=env, cwd=str(folder))
    client = kernel.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=SOON)
        yield Notebook(kernel, client)
    finally:
        client.stop_channels()
        kernel.shutdown_kernel(now=True)
