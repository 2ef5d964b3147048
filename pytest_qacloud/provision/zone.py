"""The last steps of a run's provisioning: zones through the API, and the wait until they are healthy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..deadline import Deadline, Waiting, poll
from ..errors import ProvisionError, UnreachableError
from ..model import Zone
from .deploy import Deployed, Ledger, Site, deploy_zones
from .health import ailments, templates_missing
from .plan import marvin_config
from .stage import Done

if TYPE_CHECKING:
    from ..model import Endpoint, SecretRef, ZonePlan
    from ..ports import CloudApi
    from .stage import Stage
    from .steps import Context
    from .zone_config import ZoneConfig


class ZoneSteps:
    """Deploys zones on a management server that answers.

    Args:
        plan: of the machines that are up.
        zone_config: the zones to make; `None` makes the pool's own.
    """

    def __init__(
        self, context: Context, stage: Stage, plan: ZonePlan, endpoint: Endpoint, zone_config: ZoneConfig | None
    ) -> None:
        self.context, self.stage, self.plan, self.endpoint = context, stage, plan, endpoint
        self.zone_config = zone_config
        self.ledger = Ledger()

    def make(self) -> Zone:
        """Make the zones; the value is the first one's.

        Raises:
            ProvisionError: or an ExceptionGroup of them: what was made of a zone config is deleted again. A pool's own
                zone is left, since its machines are re-imaged.
        """
        plan, pool = self.plan, self.plan.pool
        api = self.context.services.cloud_api(self.endpoint)
        config = self._config()
        try:
            deployed = self.stage.run(
                "zone", pool.name, lambda: self._deploy(api, config), limit_s=pool.timeouts.zone_s
            )
        except (ProvisionError, ExceptionGroup):
            if self.zone_config is not None:
                self.stage.undo(Done(pool.name, "zone"), self.ledger.undo)
            raise
        if deployed.restart:
            self.stage.journal.record("zone", "note", pool.name, needs_restart=list(deployed.restart))
        first, *others = [zone for zone in deployed.zones if zone.enabled]
        places = [(zone.id, zone.hosts) for zone in (first, *others)]
        self.stage.run("healthy", pool.name, lambda: self._wait_healthy(api, places), limit_s=pool.timeouts.healthy_s)
        return Zone(
            pool=pool.name,
            epoch=plan.epoch,
            id=first.id,
            name=first.name,
            hypervisor=self._hypervisor(),
            endpoint=self.endpoint,
            machines=tuple(machine.name for machine in plan.machines),
            hosts=first.hosts,
            build=plan.build,
            marvin_config=config,
            job_poll_s=pool.poll.job_s,
            further=tuple(places[1:]),
        )

    def _hypervisor(self) -> str:
        return self.plan.pool.hypervisor.api_name if self.zone_config is None else self.zone_config.hypervisor

    def _config(self) -> dict[str, Any]:
        """Marvin's configuration, complete with endpoint, keys and passwords."""
        plan = self.plan
        secrets = {str(ref): self.context.services.secret(ref) for ref in _secret_refs(plan)}
        config = marvin_config(plan.pool, plan.zone_name, plan.machines, secrets)
        keys = {"apiKey": self.endpoint.api_key, "securityKey": self.endpoint.secret_key}
        server = config["mgtSvr"][0] | keys | {"hypervisor": self._hypervisor()}
        content = config if self.zone_config is None else self.zone_config.content
        given = (content.get("mgtSvr") or [{}])[0]
        return {**content, "mgtSvr": [given | server]}

    def _deploy(self, api: CloudApi, config: dict[str, Any]) -> Deployed:
        pool, context = self.plan.pool, self.context
        site = Site(api, context.check, self.ledger, context.clock, pool.timeouts.zone_s, pool.poll.healthy_s)
        try:
            return deploy_zones(site, config)
        except ProvisionError as error:  # it knows a host's address; people know the machine's name
            names = {str(plan.machine.ip): plan.name for plan in self.plan.machines}
            name = names.get(error.machine, error.machine)
            raise ProvisionError(name, error.step, error.observed, error.elapsed_s, error.action) from error

    def _wait_healthy(self, api: CloudApi, places: list[tuple[str, int]]) -> None:
        pool = self.plan.pool

        def look() -> bool | Waiting:
            try:
                bad = [words for zone_id, hosts in places for words in ailments(api, zone_id, hosts)]
                bad = bad or [words for zone_id, _ in places for words in templates_missing(api, zone_id)]
            except UnreachableError as error:
                bad = [str(error)]
            return Waiting("; ".join(bad)) if bad else True

        poll(
            look,
            what=f"a healthy zone {self.plan.zone_name}",
            deadline=Deadline(pool.timeouts.healthy_s, self.context.clock),
            interval_s=pool.poll.healthy_s,
            check=self.context.check,
        )


def _secret_refs(plan: ZonePlan) -> list[SecretRef]:
    pool = plan.pool
    vmware = [pool.vmware.password] if pool.vmware else []
    return [pool.hosts.password, pool.management.password, *vmware]
