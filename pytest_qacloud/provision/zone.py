"""The last steps of a run's provisioning: zones through the API, and the wait until they are healthy."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..deadline import Deadline, Waiting, poll
from ..errors import ProvisionError, UnreachableError
from ..model import Zone
from .deploy import Deployed, Ledger, Site, deploy_zones
from .health import ailments, templates_missing
from .plan import marvin_config
from .stage import Done

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ..model import Build, Endpoint, PollIntervals, Pool, SecretRef, Timeouts, ZonePlan
    from ..ports import CloudApi, Services
    from .stage import Stage
    from .zone_config import ZoneConfig


@dataclass(frozen=True, slots=True)
class ZoneOrder:
    """The zone that is wanted on a management server that answers.

    Args:
        hypervisor: of the pool's own zone, as the API calls it.
        config: Marvin's configuration of the pool's own zone, with its passwords and without the administrator's keys.
        machines: their names by their addresses, management first.
    """

    pool: str
    epoch: int
    build: Build
    zone_name: str
    hypervisor: str
    config: Mapping[str, Any] = field(repr=False)
    machines: Mapping[str, str]
    timeouts: Timeouts
    poll: PollIntervals


def order_of(plan: ZonePlan, services: Services) -> ZoneOrder:
    """The zone of a pool of machines that are up.

    Raises:
        ConfigError: a secret cannot be read.
    """
    pool = plan.pool
    secrets = {str(ref): services.secret(ref) for ref in _secret_refs(pool)}
    return ZoneOrder(
        pool=pool.name,
        epoch=plan.epoch,
        build=plan.build,
        zone_name=plan.zone_name,
        hypervisor=pool.hypervisor.api_name,
        config=marvin_config(pool, plan.zone_name, plan.machines, secrets),
        machines={str(machine.machine.ip): machine.name for machine in plan.machines},
        timeouts=pool.timeouts,
        poll=pool.poll,
    )


class ZoneSteps:
    """Deploys zones on a management server that answers.

    Args:
        order: what is wanted.
        api: with the keys of `endpoint`.
        stage: where its steps run.
        check: raises when the run must stop.
        zone_config: the zones to make; `None` makes the pool's own.
    """

    def __init__(
        self,
        order: ZoneOrder,
        endpoint: Endpoint,
        api: CloudApi,
        stage: Stage,
        check: Callable[[], None],
        zone_config: ZoneConfig | None,
    ) -> None:
        self.order, self.endpoint, self.api = order, endpoint, api
        self.stage, self.check, self.clock = stage, check, stage.clock
        self.zone_config = zone_config
        self.ledger = Ledger()

    def make(self) -> Zone:
        """Make the zones; the value is the first one's.

        Raises:
            ProvisionError: or an ExceptionGroup of them: what was made of a zone config is deleted again. A pool's own
                zone is left, since its machines are re-imaged.
        """
        order, limits = self.order, self.order.timeouts
        config = self._config()
        try:
            deployed = self.stage.run("zone", order.pool, lambda: self._deploy(config), limit_s=limits.zone_s)
        except (ProvisionError, ExceptionGroup):
            if self.zone_config is not None:
                self.stage.undo(Done(order.pool, "zone"), self.ledger.undo)
            raise
        if deployed.restart:
            self.stage.journal.record("zone", "note", order.pool, needs_restart=list(deployed.restart))
        first, *others = [zone for zone in deployed.zones if zone.enabled]
        places = [(zone.id, zone.hosts) for zone in (first, *others)]
        self.stage.run("healthy", order.pool, lambda: self._wait_healthy(places), limit_s=limits.healthy_s)
        return Zone(
            pool=order.pool,
            epoch=order.epoch,
            id=first.id,
            name=first.name,
            hypervisor=self._hypervisor(),
            endpoint=self.endpoint,
            machines=tuple(order.machines.values()),
            hosts=first.hosts,
            build=order.build,
            marvin_config=config,
            job_poll_s=order.poll.job_s,
            further=tuple(places[1:]),
        )

    def _hypervisor(self) -> str:
        return self.order.hypervisor if self.zone_config is None else self.zone_config.hypervisor

    def _config(self) -> dict[str, Any]:
        """Marvin's configuration, complete with endpoint, keys and passwords."""
        keys = {"apiKey": self.endpoint.api_key, "securityKey": self.endpoint.secret_key}
        server = self.order.config["mgtSvr"][0] | keys | {"hypervisor": self._hypervisor()}
        content = self.order.config if self.zone_config is None else self.zone_config.content
        given = (content.get("mgtSvr") or [{}])[0]
        return {**content, "mgtSvr": [given | server]}

    def _deploy(self, config: dict[str, Any]) -> Deployed:
        order = self.order
        site = Site(self.api, self.check, self.ledger, self.clock, order.timeouts.zone_s, order.poll.healthy_s)
        try:
            return deploy_zones(site, config)
        except ProvisionError as error:  # it knows a host's address; people know the machine's name
            name = order.machines.get(error.machine, error.machine)
            raise ProvisionError(name, error.step, error.observed, error.elapsed_s, error.action) from error

    def _wait_healthy(self, places: list[tuple[str, int]]) -> None:
        api, order = self.api, self.order

        def look() -> bool | Waiting:
            try:
                bad = [words for zone_id, hosts in places for words in ailments(api, zone_id, hosts)]
                bad = bad or [words for zone_id, _ in places for words in templates_missing(api, zone_id)]
            except UnreachableError as error:
                bad = [str(error)]
            return Waiting("; ".join(bad)) if bad else True

        poll(
            look,
            what=f"a healthy zone {order.zone_name}",
            deadline=Deadline(order.timeouts.healthy_s, self.clock),
            interval_s=order.poll.healthy_s,
            check=self.check,
        )


def _secret_refs(pool: Pool) -> list[SecretRef]:
    vmware = [pool.vmware.password] if pool.vmware else []
    return [pool.hosts.password, pool.management.password, *vmware]
