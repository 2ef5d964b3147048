"""Global settings, those of a zone, and what the server says it can do."""

from typing import Any

from marvin.cloudstackTestCase import cloudstackTestCase
from nose.plugins.attrib import attr

from pytest_qacloud.marvin.suite import Resources

GLOBAL = "expunge.interval"
OF_ZONES = "guest.domain.suffix"


class TestSettings(Resources, cloudstackTestCase):
    def value(self, name: str, **scope: Any) -> Any:
        (setting,) = [found for found in self.every("listConfigurations", name=name, **scope) if found.name == name]
        return setting.value

    def change(self, name: str, value: str, **scope: Any) -> None:
        self.addCleanup(self.call, "updateConfiguration", name=name, value=self.value(name, **scope), **scope)
        self.call("updateConfiguration", name=name, value=value, **scope)

    @attr(tags=["advanced", "basic", "smoke"], required_hardware="false")
    def test_a_setting_is_changed(self) -> None:
        other = str(int(self.value(GLOBAL)) + 60)
        self.change(GLOBAL, other)
        self.assertEqual(self.value(GLOBAL), other)

    @attr(tags=["advanced", "basic", "smoke"], required_hardware="false")
    def test_a_zone_s_setting_leaves_the_global_one(self) -> None:
        before = self.value(OF_ZONES)
        self.change(OF_ZONES, "bvt.internal", zoneid=self.zone.id)
        self.assertEqual(self.value(OF_ZONES, zoneid=self.zone.id), "bvt.internal")
        self.assertEqual(self.value(OF_ZONES), before)

    @attr(tags=["advanced", "basic", "smoke"], required_hardware="false")
    def test_a_value_of_the_wrong_kind_is_refused(self) -> None:
        before = self.value(GLOBAL)
        with self.refused():
            self.call("updateConfiguration", name=GLOBAL, value="soon")
        self.assertEqual(self.value(GLOBAL), before)

    @attr(tags=["advanced", "basic", "smoke"], required_hardware="false")
    def test_an_unknown_setting_is_refused(self) -> None:
        with self.refused():
            self.call("updateConfiguration", name="bvt.no.such.setting", value="1")

    @attr(tags=["advanced", "basic", "smoke"], required_hardware="false")
    def test_the_server_tells_its_version(self) -> None:
        capabilities = self.call("listCapabilities")
        self.assertRegex(capabilities.cloudstackversion, r"^\d+\.\d+")
