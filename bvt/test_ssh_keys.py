"""SSH key pairs: generated, registered, given to instances."""

from typing import Any, ClassVar

from marvin.cloudstackTestCase import cloudstackTestCase
from nose.plugins.attrib import attr

from pytest_qacloud.marvin.suite import Resources, unique

PUBLIC_KEY = (
    "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQDLWnDclS6Kif92O/smlSl3ZHK8O0LQ85LfS7zu24rpiIGQG3zufjN/gIz8iSnk"
    "/DEmDP4KWxFJDAUAMkb838cKfOhHH8QhfygYUTvklPRggfCePxqblL+wvVGfdw8AnMK5524C6YbazmbxrgEDDy+lw0WS+gtDBhVb"
    "h/Q7hQmhKh05aNZcGU6LXNuC6ySQqrhchZqIJSxBlOmj1YYH+KiLSU9hpdt88y1LHOjHWya7OZJ24RTpNzDq81tK8bVfZYMMnDRb"
    "xskPkyRxQzuQhamhtYDLalZ6OrcO5FTMOAHRRzUIA9Sfpsj/IInLUwtl049xHh5ZZSHg5HiFfEICrLTX bvt"
)


class TestSshKeyPairs(Resources, cloudstackTestCase):
    pair: ClassVar[Any]

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.share_account()
        cls.share_compute()
        cls.share_network()
        cls.pair = cls.share("createSSHKeyPair", name=unique("key"), **cls.owner())

    def pairs(self) -> dict[str, Any]:
        return {pair.name: pair for pair in self.every("listSSHKeyPairs", listall=True, **self.owner())}

    @attr(tags=["advanced", "basic", "smoke"], required_hardware="false")
    def test_a_private_key_is_told_once(self) -> None:
        self.assertIn("PRIVATE KEY", self.pair.privatekey)
        listed = self.pairs()[self.pair.name]
        self.assertEqual(listed.fingerprint, self.pair.fingerprint)
        self.assertIsNone(listed.privatekey)

    @attr(tags=["advanced", "basic", "smoke"], required_hardware="false")
    def test_an_instance_has_the_key_it_was_deployed_with(self) -> None:
        vm = self.create("deployVirtualMachine", **self.machine(keypair=self.pair.name))
        self.assertEqual(self.one("listVirtualMachines", id=vm.id).keypairs, self.pair.name)

    @attr(tags=["advanced", "basic", "smoke"], required_hardware="false")
    def test_an_unknown_key_is_refused(self) -> None:
        with self.refused():
            self.create("deployVirtualMachine", **self.machine(keypair=unique("no-key")))

    @attr(tags=["advanced", "basic", "smoke"], required_hardware="false")
    def test_a_public_key_is_registered_and_deleted(self) -> None:
        name = unique("key")
        pair = self.create("registerSSHKeyPair", name=name, publickey=PUBLIC_KEY, **self.owner())
        self.assertEqual(self.pairs()[name].fingerprint, pair.fingerprint)
        with self.refused():
            self.create("registerSSHKeyPair", name=name, publickey=PUBLIC_KEY, **self.owner())
        self.delete(pair)
        self.assertNotIn(name, self.pairs())

    @attr(tags=["advanced", "basic", "smoke"], required_hardware="false")
    def test_what_is_no_key_is_refused(self) -> None:
        with self.refused():
            self.create("registerSSHKeyPair", name=unique("key"), publickey="not a key", **self.owner())
