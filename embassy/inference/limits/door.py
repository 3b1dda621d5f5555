"""Lets requests in as far as the limits of their key and organization allow."""

import math
import time
from functools import partial

from django.conf import settings

from embassy.inference.exchange import Exchange
from embassy.inference.limits.bucket import PERIOD_S, Bucket
from embassy.inference.limits.headers import headers_of
from embassy.inference.limits.sharing import Sharing
from embassy.inference.spending import Spent
from embassy.platform.actor import Actor
from embassy.platform.errors import TooManyRequests

BUSY_RETRY_S = 1.0


class Account:
    """What this process knows of one key. `requests` and `tokens` are None where there is no limit."""

    __slots__ = ("actor", "buckets", "requests", "running", "seen_at", "tokens")

    def __init__(self) -> None:
        self.actor: Actor | None = None
        self.requests: Bucket | None = None
        self.tokens: Bucket | None = None
        self.buckets: tuple[tuple[str, Bucket], ...] = ()  # those that there are
        self.running = 0
        self.seen_at = 0.0

    def follow(self, actor: Actor) -> None:
        """The limits may have changed; what was used stays used, as a share of the limit."""
        self.actor = actor
        self.requests = _resized(self.requests, actor.requests_per_minute, settings.REQUESTS_PER_MINUTE)
        self.tokens = _resized(self.tokens, actor.tokens_per_minute, settings.TOKENS_PER_MINUTE)
        both = ("requests", self.requests), ("tokens", self.tokens)
        self.buckets = tuple((name, bucket) for name, bucket in both if bucket is not None)

    def is_idle(self, now: float) -> bool:
        """Nothing would be lost with it."""
        return (
            not self.running
            and now - self.seen_at > PERIOD_S
            and not any(bucket.backlog(now) for _, bucket in self.buckets)
        )


class Limits:
    """Enforced in this process alone, at no wait; what others let in is learned about every second."""

    def __init__(self) -> None:
        self._accounts: dict[int, Account] = {}
        self._running: dict[int, int] = {}  # by organization
        self._sharing = Sharing()

    def enter(self, actor: Actor, exchange: Exchange, spent: Spent) -> None:
        """Raises TooManyRequests. The request counts until the exchange closes, its tokens from then on."""
        account, now = None, time.monotonic()
        if actor.key_id is not None:
            account = self._account(actor, actor.key_id, now)
            if account.buckets:
                _check_rates(account, exchange, now)
            if account.running >= settings.MAX_CONCURRENT_PER_KEY:
                raise _too_many_at_once("This API key", settings.MAX_CONCURRENT_PER_KEY)
        running = self._running.get(actor.organization_id, 0)
        if running >= settings.MAX_CONCURRENT_PER_ORGANIZATION:
            raise _too_many_at_once("Your organization", settings.MAX_CONCURRENT_PER_ORGANIZATION)
        self._running[actor.organization_id] = running + 1
        if account is not None:
            account.running += 1
        exchange.closing.append(partial(self._leave, actor.organization_id, account, spent))

    async def keep_sharing(self) -> None:
        """For ever: tell the other processes and learn from them."""
        try:
            while True:
                await self._sharing.pause()
                await self._sharing.exchange(self._limited())
                self._forget_idle()
        finally:
            await self._sharing.close()

    def _account(self, actor: Actor, key_pk: int, now: float) -> Account:
        account = self._accounts.get(key_pk)
        if account is None:
            account = self._accounts[key_pk] = Account()
        if account.actor is not actor:  # the same object for as long as the key's row is known
            account.follow(actor)
        if now - account.seen_at > PERIOD_S and account.buckets:
            self._sharing.hurry()  # other processes may know this key well
        account.seen_at = now
        return account

    def _leave(self, organization_pk: int, account: Account | None, spent: Spent) -> None:
        running = self._running[organization_pk] - 1
        if running:
            self._running[organization_pk] = running
        else:
            del self._running[organization_pk]
        if account is None:
            return
        account.running -= 1
        if account.tokens is not None and (tokens := spent.prompt_tokens + spent.completion_tokens):
            account.tokens.put(time.monotonic(), tokens)

    def _limited(self) -> dict[str, Bucket]:
        """By their names in Redis."""
        return {
            f"embassy:limit:{key_pk}:{name}": bucket
            for key_pk, account in self._accounts.items()
            for name, bucket in account.buckets
        }

    def _forget_idle(self) -> None:
        now = time.monotonic()
        for key_pk in [key_pk for key_pk, account in self._accounts.items() if account.is_idle(now)]:
            del self._accounts[key_pk]


def _check_rates(account: Account, exchange: Exchange, now: float) -> None:
    """Puts this request in, if it fits; tells in the headers what is left."""
    refused, longest = "", 0.0
    for name, bucket in account.buckets:
        wait = bucket.wait(now)
        if wait > longest:
            refused, longest = name, wait
    if not refused and account.requests is not None:
        account.requests.put(now, 1)
    for name, bucket in account.buckets:
        exchange.added_headers += headers_of(name.encode(), bucket, now)
    if refused:
        limit = dict(account.buckets)[refused].per_minute
        raise TooManyRequests(
            f"This API key may use {limit} {refused} a minute, and has. Try again in "
            f"{math.ceil(longest)} seconds.",
            retry_after=math.ceil(longest),
        )


def _resized(bucket: Bucket | None, own: int | None, default: int) -> Bucket | None:
    per_minute = default if own is None else own
    if not per_minute:
        return None
    if bucket is None:
        return Bucket(per_minute)
    bucket.per_minute = per_minute
    return bucket


def _too_many_at_once(who: str, limit: int) -> TooManyRequests:
    return TooManyRequests(
        f"{who} has {limit} requests under way already. Send more as they are answered.",
        code="too_many_concurrent",
        retry_after=BUSY_RETRY_S,
    )
