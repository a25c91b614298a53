"""The second cache. It may vanish at any moment: every error is a miss, and nothing but speed is lost."""

import json
from collections.abc import Callable
from contextlib import suppress
from functools import cached_property, wraps
from typing import Any

from django.core.cache.backends.redis import RedisCache, RedisCacheClient
from redis.exceptions import RedisError


class JsonSerializer:
    """Keeps values as JSON, not pickled: whoever writes to the server must not run code here. Nonsense is a miss."""

    def dumps(self, value: Any) -> bytes | int:
        """Return the bytes to keep; a number stays one, so that the server can count with it."""
        return value if type(value) is int else json.dumps(value).encode()

    def loads(self, data: bytes) -> Any:
        """Return the value, or None for what is not ours."""
        try:
            return json.loads(data)
        except ValueError:
            return None


def _or_miss(name: str, miss: Any) -> Callable[..., Any]:
    method = getattr(RedisCache, name)

    @wraps(method)
    def call(self: RedisCache, key: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return method(self, key, *args, **kwargs)
        except (RedisError, OSError):
            if name == "get":
                return args[0] if args else kwargs.get("default")
            return {} if miss is dict else miss

    return call


class OneClient(RedisCacheClient):
    """Django's way to the server, with one client for all calls: making one takes as long as asking."""

    def get_client(self, key: Any = None, *, write: bool = False) -> Any:
        """Return the client of the one server there is, for reading and writing."""
        return self._one

    @cached_property
    def _one(self) -> Any:
        return super().get_client()


class ForgivingCache(RedisCache):
    """Django's Redis cache, which answers as an empty one when its server is away."""

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._class = OneClient

    add = _or_miss("add", False)
    get = _or_miss("get", None)
    set = _or_miss("set", None)
    touch = _or_miss("touch", False)
    delete = _or_miss("delete", False)
    get_many = _or_miss("get_many", dict)
    has_key = _or_miss("has_key", False)
    set_many = _or_miss("set_many", [])
    delete_many = _or_miss("delete_many", None)

    def incr(self, key: str, delta: int = 1, version: int | None = None) -> int:
        """Add to a counter; raises ValueError for a missing one, as Django's caches do."""
        try:
            return int(super().incr(key, delta, version))
        except (RedisError, OSError) as error:
            raise ValueError("The cache is away.") from error

    def clear(self) -> None:
        """Empty the cache, if its server is there."""
        with suppress(RedisError, OSError):
            super().clear()
