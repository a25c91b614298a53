"""Large answers at once: whoever reads slowly holds a thread for as long, so a few may, and the pages stay for all."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

__all__ = ["MOST_SECONDS", "MOST_STREAMS", "FewStreams"]

# Of the four threads of a process; as many serve pages whatever the readers do.
MOST_STREAMS = 2
MOST_SECONDS = 600
# So much the proxy takes off at once (proxy_buffers): a piece of a recording holds no thread.
TAKEN_OFF = 4 * 1024 * 1024
BUSY = "Others are downloading large files at the moment. Try again in a minute."


class Streams:
    """How many large answers this process is giving."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.count = 0

    def is_full(self) -> bool:
        return self.count >= MOST_STREAMS

    def begin(self) -> bool:
        """Take a place, if one is free."""
        with self.lock:
            if self.is_full():
                return False
            self.count += 1
            return True

    def end(self) -> None:
        with self.lock:
            self.count -= 1


class Given:
    """An answer being read: it gives its place back once it was, or its reader has gone, or took too long."""

    def __init__(self, chunks: Iterator[bytes], streams: Streams) -> None:
        self.chunks, self.streams = chunks, streams
        self.ends_at = time.monotonic() + MOST_SECONDS
        self.is_open = True

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if time.monotonic() > self.ends_at:
            raise TimeoutError("stream_too_slow")
        return next(self.chunks)

    def close(self) -> None:
        """Give the place back, once. Django calls it when it closes the answer."""
        if self.is_open:
            self.is_open = False
            self.streams.end()


class FewStreams:
    """Refuses a large answer while MOST_STREAMS are given, as a rule before anything of it is opened or put on record:
    which views give such answers is known from the first that each gave."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        self.streams = Streams()
        self.large: set[Any] = set()

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if not response.streaming or int(response.get("Content-Length") or TAKEN_OFF + 1) <= TAKEN_OFF:
            return response
        if request.resolver_match is not None:
            self.large.add(request.resolver_match.func)
        if not self.streams.begin():
            response.close()
            return _busy()
        answer: Any = response
        answer.streaming_content = Given(iter(answer.streaming_content), self.streams)
        return response

    def process_view(self, _request: HttpRequest, view: Any, _args: Any, _kwargs: Any) -> HttpResponse | None:
        """Refuse before the view is called."""
        return _busy() if view in self.large and self.streams.is_full() else None


def _busy() -> HttpResponse:
    return HttpResponse(BUSY, status=503, content_type="text/plain; charset=utf-8", headers={"Retry-After": "60"})
