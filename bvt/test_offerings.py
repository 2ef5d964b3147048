"""Service, disk and network offerings."""

from typing import Any

from marvin.cloudstackTestCase import cloudstackTestCase
from nose.plugins.attrib import attr

from pytest_qacloud.marvin.suite import Resources, small_offering, unique

SERVICES = ("Dhcp", "Dns", "SourceNat", "StaticNat", "PortForwarding", "Firewall", "Lb")


def network_offering() -> dict[str, Any]:
    name = unique("network-offering")
    return {
        "name": name,
        "displaytext": name,
        "guestiptype": "Isolated",
        "traffictype": "GUEST",
        "supportedservices": ",".join(SERVICES),
        "serviceproviderlist": [{"service": service, "provider": "VirtualRouter"} for service in SERVICES],
    }


class TestServiceOfferings(Resources, cloudstackTestCase):
    @attr(tags=["advanced", "basic", "smoke"], required_hardware="false")
    def test_an_offering_is_as_it_was_asked_for(self) -> None:
        wanted = small_offering(cpunumber=2, cpuspeed=250, memory=256, offerha=True)
        offering = self.create("createServiceOffering", **wanted)
        listed = self.one("listServiceOfferings", id=offering.id)
        self.assertEqual({name: getattr(listed, name) for name in wanted}, wanted)

    @attr(tags=["advanced", "basic", "smoke"], required_hardware="false")
    def test_an_offering_is_renamed(self) -> None:
        offering = self.create("createServiceOffering", **small_offering())
        self.call("updateServiceOffering", id=offering.id, displaytext="Renamed")
        self.assertEqual(self.one("listServiceOfferings", id=offering.id).displaytext, "Renamed")

    @attr(tags=["advanced", "basic", "smoke"], required_hardware="false")
    def test_a_deleted_offering_is_offered_no_more(self) -> None:
        offering = self.create("createServiceOffering", **small_offering())
        self.delete(offering)
        self.assertTrue(self.is_gone("listServiceOfferings", name=offering.name))

    @attr(tags=["advanced", "basic", "smoke"], required_hardware="false")
    def test_an_offering_without_memory_is_refused(self) -> None:
        with self.refused():
            self.create("createServiceOffering", **small_offering(memory=0))


class TestDiskOfferings(Resources, cloudstackTestCase):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.share_account()

    @attr(tags=["advanced", "basic", "smoke"], required_hardware="false")
    def test_a_fixed_offering_makes_volumes_of_its_size(self) -> None:
        offering = self.create("createDiskOffering", name=unique("disk"), displaytext="2 GiB", disksize=2)
        listed = self.one("listDiskOfferings", id=offering.id)
        self.assertEqual((listed.disksize, listed.iscustomized), (2, False))
        volume = self.create("createVolume", **self.volume(offering.id))
        self.assertEqual(self.one("listVolumes", id=volume.id).size, 2 * 1024**3)

    @attr(tags=["advanced", "basic", "smoke"], required_hardware="false")
    def test_a_customized_offering_needs_a_size(self) -> None:
        offering = self.create("createDiskOffering", name=unique("disk"), displaytext="Any size", customized=True)
        self.assertTrue(self.one("listDiskOfferings", id=offering.id).iscustomized)
        with self.refused(431):
            self.create("createVolume", **self.volume(offering.id))
        volume = self.create("createVolume", **self.volume(offering.id, size=3))
        self.assertEqual(self.one("listVolumes", id=volume.id).size, 3 * 1024**3)

    @attr(tags=["advanced", "basic", "smoke"], required_hardware="false")
    def test_an_offering_is_renamed_and_deleted(self) -> None:
        offering = self.create("createDiskOffering", name=unique("disk"), displaytext="1 GiB", disksize=1)
        self.call("updateDiskOffering", id=offering.id, displaytext="Renamed")
        self.assertEqual(self.one("listDiskOfferings", id=offering.id).displaytext, "Renamed")
        self.delete(offering)
        self.assertTrue(self.is_gone("listDiskOfferings", name=offering.name))


class TestNetworkOfferings(Resources, cloudstackTestCase):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.share_account()

    @attr(tags=["advanced", "smoke"], required_hardware="false")
    def test_an_offering_has_the_services_asked_for(self) -> None:
        offering = self.create("createNetworkOffering", **network_offering())
        listed = self.one("listNetworkOfferings", id=offering.id)
        self.assertEqual({service.name for service in listed.service}, set(SERVICES))
        self.assertEqual((listed.state, listed.guestiptype), ("Disabled", "Isolated"))

    @attr(tags=["advanced", "smoke"], required_hardware="false")
    def test_only_an_enabled_offering_makes_networks(self) -> None:
        offering = self.create("createNetworkOffering", **network_offering())
        wanted = self.isolated_network(networkofferingid=offering.id)
        with self.refused():
            self.create("createNetwork", **wanted)
        self.call("updateNetworkOffering", id=offering.id, state="Enabled")
        network = self.create("createNetwork", **wanted)
        self.assertEqual(self.one("listNetworks", id=network.id).networkofferingid, offering.id)

    @attr(tags=["advanced", "smoke"], required_hardware="false")
    def test_an_offering_in_use_cannot_be_deleted(self) -> None:
        offering = self.create("createNetworkOffering", **network_offering())
        self.call("updateNetworkOffering", id=offering.id, state="Enabled")
        network = self.create("createNetwork", **self.isolated_network(networkofferingid=offering.id))
        with self.refused(431):
            self.delete(offering)
        self.delete(network)
        self.delete(offering)
        self.assertTrue(self.is_gone("listNetworkOfferings", id=offering.id))

    @attr(tags=["advanced", "smoke"], required_hardware="false")
    def test_a_default_offering_cannot_be_deleted(self) -> None:
        offering = self.one("listNetworkOfferings", name="DefaultIsolatedNetworkOfferingWithSourceNatService")
        with self.refused(431):
            self.call("deleteNetworkOffering", id=offering.id)
        self.assertEqual(self.one("listNetworkOfferings", id=offering.id).state, "Enabled")
