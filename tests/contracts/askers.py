"""Three real SDKs over recording clients, asking a local stand-in for models.

Owns how each is asked, in the fewest words.
"""

from __future__ import annotations

from contextlib import closing
from typing import Any

import anthropic
import openai
from google import genai

import nbgraph as ng
from nbgraph.testing import ModelServer


class Askers:
    """Each asks once, with a client of its own."""

    def __init__(self, server: ModelServer, key: str) -> None:
        self._server, self._key = server, key

    def openai(self, text: str, *, stream: bool = False) -> str:
        """Ask OpenAI's, whole or in parts."""
        asked: dict[str, Any] = {"model": "gpt-4o", "messages": [{"role": "user", "content": text}], "top_p": 0.9}
        asked["temperature"] = 0.5
        more = {"stream": True, "stream_options": {"include_usage": True}} if stream else {}
        with closing(
            openai.OpenAI(
                base_url=self._server.openai, api_key=self._key, http_client=ng.recording_client(), max_retries=0
            )
        ) as client:
            told = client.chat.completions.create(**asked, **more)
            if not stream:
                return str(told.choices[0].message.content)
            return "".join(chunk.choices[0].delta.content or "" for chunk in told if chunk.choices)

    def anthropic(self, text: str) -> str:
        """Ask Anthropic's."""
        with closing(
            anthropic.Anthropic(
                base_url=self._server.anthropic, api_key=self._key, http_client=ng.recording_client(), max_retries=0
            )
        ) as client:
            told = client.messages.create(
                model="claude-sonnet-4-5", max_tokens=99, system="be brief",
                messages=[{"role": "user", "content": text}],
            )  # fmt: skip
            return "".join(block.text for block in told.content if block.type == "text")

    def google(self, text: str) -> str:
        """Ask Google's."""
        with closing(ng.recording_client()) as http:
            how = genai.types.HttpOptions(base_url=self._server.google, httpx_client=http)
            with closing(genai.Client(api_key=self._key, http_options=how)) as client:
                return str(client.models.generate_content(model="gemini-2.5-flash", contents=text).text)
