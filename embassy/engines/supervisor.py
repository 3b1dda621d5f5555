"""Run one engine: the Celery task `engines.run`, for as long as the engine lives.

1. Claim the row; the lease's token fences every write from here on.
2. Find the weights and start the server as a child that cannot outlive this process.
3. Wait until it answers with our key and our model name; load the wanted adapters; publish the address.
4. Watch: the child, the lease, what is wanted, the adapters. Whatever ends the watch also ends the child,
   and only then is the lease given back.
"""

import logging
import shutil
import time
from pathlib import Path

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection

from embassy.engines import launch, observe
from embassy.engines.client import EngineClient
from embassy.engines.command import PROGRAM, SERVED_NAME
from embassy.engines.loading import Loader
from embassy.engines.models import Engine
from embassy.engines.napping import Nap, NoRoom
from embassy.engines.observe import LeaseLost
from embassy.engines.pulse import Pulse
from embassy.engines.states import Wanted
from embassy.engines.stopping import StopRequest
from embassy.platform import children, notify
from embassy.platform.errors import EmbassyError
from embassy.platform.heartbeat import Heartbeat
from embassy.platform.logs import fields

log = logging.getLogger(__name__)

TICK_S = 0.5
READY_TICK_S = 0.05
ROUTES_S = 2.0  # by then every gateway has seen that the engine takes no new requests
STOP_S = 40.0  # the server itself lets requests in flight finish for 30 s
HURRY_S = 6.0  # where the worker stops: it has about ten seconds in all

WORKER_STOPS = "Its worker is shutting down; another one takes over."


class Stop(Exception):
    """The engine is to stop, in good order; the message says why."""


class EngineFailure(Exception):
    """The server did not start, or ended by itself; the message says how."""


def run_engine(engine_pk: int) -> None:
    """Claim the engine and run it until it is unwanted, fails, or this process is told to stop."""
    with StopRequest() as stop:
        engine = observe.claim(engine_pk=engine_pk)
        if engine is None:
            return
        log.info("engine.claimed", extra=fields(engine=engine.public_id, token=engine.lease_token))
        with Heartbeat(engine, token=engine.lease_token) as heartbeat:
            _run(engine, stop, heartbeat)


def _run(engine: Engine, stop: StopRequest, heartbeat: Heartbeat) -> None:
    try:
        reason = Supervisor(engine, stop, heartbeat).run()
        observe.stopped(engine=engine, token=engine.lease_token, reason=reason)
        log.info("engine.stopped", extra=fields(engine=engine.public_id, reason=reason))
    except LeaseLost:
        log.warning("engine.fenced", extra=fields(engine=engine.public_id))
    except (EngineFailure, EmbassyError, children.ChildStartError) as error:
        log.warning("engine.failed", extra=fields(engine=engine.public_id, error=str(error)))
        observe.failed(engine=engine, token=engine.lease_token, reason=str(error))
    except (OperationalError, InterfaceError):
        raise  # nothing can be written now: the lease runs out and the reconciler frees the row
    except Exception as error:
        # A fault of ours must count as a failure, or the engine would be started again for ever.
        log.exception("engine.broken", extra=fields(engine=engine.public_id))
        reason = f"An unexpected {type(error).__name__}; the worker's log has more."
        observe.failed(engine=engine, token=engine.lease_token, reason=reason)


class Supervisor:
    """One run of one engine, by the process that holds its lease."""

    def __init__(self, engine: Engine, stop: StopRequest, heartbeat: Heartbeat) -> None:
        self._engine = engine
        self._token = engine.lease_token
        self._stop = stop
        self._heartbeat = heartbeat
        self._listener = notify.Listener(notify.engine_channel(engine.public_id))
        self._began = time.monotonic()

    def run(self) -> str:
        """Run the server to its end and return why it was stopped. Nothing of it is left on return."""
        observe.explain(engine=self._engine, token=self._token, reason="Fetching its weights.")
        plan = self._plan()
        observe.explain(engine=self._engine, token=self._token, reason="Loading its model.")
        try:
            with self._started(plan) as child:
                return self._attend(plan, child)
        finally:
            self._listener.close()
            shutil.rmtree(plan.options.folder, ignore_errors=True)

    def _plan(self) -> launch.Launch:
        try:
            return launch.prepare(self._engine)
        except (OSError, ValueError, KeyError) as error:
            # A disk that is full, or a model whose configuration makes no sense.
            raise EngineFailure(f"It cannot be started: {type(error).__name__}: {error}") from error

    def _started(self, plan: launch.Launch) -> children.Child:
        return children.start_child(
            program=PROGRAM,
            argv=plan.command.argv,
            env=plan.command.env,
            cwd=plan.options.folder,
            log=plan.log,
            standby=Path(settings.ENGINE_STANDBY) if settings.ENGINE_STANDBY else None,
        )

    def _attend(self, plan: launch.Launch, child: children.Child) -> str:
        client = EngineClient(plan.options.host, plan.options.port, plan.options.api_key)
        loader = Loader(self._engine, client, plan.options, lambda: self._watch(plan, child))
        pulse = Pulse(client, child.pid)
        nap = Nap(self._token, client, offered=plan.options.can_sleep, settle=self._settle)
        try:
            self._wait_until_ready(plan, child, client)
            loader.sync()
            self._announce(plan)
        except Stop as stop:
            return str(stop)  # nobody sends it requests: leaving the child's block kills it
        while True:
            try:
                self._serve(plan, child, loader, pulse, nap)
            except Stop as stop:
                if self._ended(child, client):
                    return str(stop)

    def _serve(
        self, plan: launch.Launch, child: children.Child, loader: Loader, pulse: Pulse, nap: Nap
    ) -> None:
        """Until there is a reason to stop, which is raised."""
        while True:
            self._listener.wait(TICK_S)
            self._look(plan, child, loader, nap)
            if failure := pulse.failure():
                raise EngineFailure(failure)

    def _wait_until_ready(self, plan: launch.Launch, child: children.Child, client: EngineClient) -> None:
        deadline = self._began + settings.ENGINE_START_SECONDS
        while not client.is_ready(SERVED_NAME):
            self._watch(plan, child)
            if time.monotonic() > deadline:
                raise EngineFailure(f"It did not answer within {settings.ENGINE_START_SECONDS} seconds.")
            self._listener.wait(READY_TICK_S)
        self._watch(plan, child)  # a stranger that answers cannot stand in for a child that has ended

    def _announce(self, plan: launch.Launch) -> None:
        seconds = time.monotonic() - self._began
        observe.active(
            engine=self._engine,
            token=self._token,
            host=plan.options.host,
            port=plan.options.port,
            model_path=str(plan.options.model),
            seconds=seconds,
        )
        log.info("engine.active", extra=fields(engine=self._engine.public_id, seconds=round(seconds, 2)))

    def _look(self, plan: launch.Launch, child: children.Child, loader: Loader, nap: Nap) -> None:
        try:
            row = self._watch(plan, child)
            if not nap.look(row):
                loader.sync()
        except (OperationalError, InterfaceError):
            # Postgres is away. Requests go on being answered until the lease can no longer be trusted.
            connection.close()
        except NoRoom:
            raise Stop("Its GPU was given to others while it slept.") from None

    def _watch(self, plan: launch.Launch, child: children.Child) -> Engine:
        """The row as it is; raises LeaseLost, EngineFailure or Stop as soon as there is a reason to."""
        if self._heartbeat.lost:
            raise LeaseLost
        if (code := child.poll()) is not None:
            raise EngineFailure(f"The engine ended with code {code}. {launch.last_words(plan.log)}".strip())
        if self._stop.requested:
            raise Stop(WORKER_STOPS)
        row = self._row()
        if row is None:
            raise LeaseLost
        if row.wanted == Wanted.INACTIVE:
            raise Stop(row.reason)
        return row

    def _ended(self, child: children.Child, client: EngineClient) -> bool:
        """No new requests, those in flight are finished, then SIGTERM. False: it is wanted again."""
        engine = self._row()
        if engine is None or not engine.routable:
            return True  # nobody sends it requests: leaving the child's block kills it
        observe.draining(engine=self._engine, token=self._token)
        self._settle()
        deadline = time.monotonic() + settings.ENGINE_DRAIN_SECONDS
        while not self._is_wanted_again():
            if self._heartbeat.lost:
                raise LeaseLost
            if self._stop.requested or time.monotonic() > deadline or not _is_busy(child, client):
                child.stop(HURRY_S if self._stop.requested else STOP_S)
                return True
            self._listener.wait(TICK_S)
        observe.resumed(engine=self._engine, token=self._token)
        return False

    def _is_wanted_again(self) -> bool:
        engine = self._row()
        return not self._stop.requested and engine is not None and engine.wanted == Wanted.ACTIVE

    def _row(self) -> Engine | None:
        return Engine.objects.filter(pk=self._engine.pk, lease_token=self._token).first()

    def _settle(self) -> None:
        """Until every gateway has seen that it takes no new requests."""
        time.sleep(ROUTES_S)


def _is_busy(child: children.Child, client: EngineClient) -> bool:
    """Whether it still answers somebody."""
    try:
        return child.poll() is None and client.requests_in_flight() > 0
    except EmbassyError:
        return False
