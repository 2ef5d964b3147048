"""Two-factor authentication over HTTP: sessions stay shut until a code is right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests
from cloudlab import Cloud, serving

from pytest_qacloud.rack.cloudstack import twofactor
from pytest_qacloud.rack.cloudstack.identity import PasswordHash, User

if TYPE_CHECKING:
    from collections.abc import Iterator


class Browser:
    """Bob in a browser: a session by cookie and key."""

    def __init__(self, url: str, cloud: Cloud) -> None:
        self.url, self.cloud, self.http, self.key = url, cloud, requests.Session(), ""
        self.http.trust_env = False

    def call(self, command: str, **params: str) -> tuple[int, dict[str, Any]]:
        everything = {"command": command, "response": "json", "sessionkey": self.key, **params}
        reply = self.http.get(self.url, params=everything)
        (content,) = reply.json().values()
        return reply.status_code, content

    def login(self) -> dict[str, Any]:
        self.http.cookies.clear()
        status, content = self.call("login", username="bob", password="pw-bob", domain="/")
        assert status == 200
        self.key = content["sessionkey"]
        return content

    def right_code(self) -> str:
        return twofactor.code_of(self.cloud.user("bob"), self.cloud.clock.now())


@pytest.fixture
def bob() -> Iterator[Browser]:
    cloud = Cloud()
    cloud.account("bob")
    with serving(cloud.server) as url:
        browser = Browser(url, cloud)
        with browser.http:
            yield browser


def settings(bob: Browser, **values: str) -> None:
    for name in ("enable", "mandate"):
        bob.cloud.do("updateConfiguration", name=f"{name}.user.2fa", value=values.get(name, "false"))


def setup(bob: Browser, provider: str) -> str:
    status, content = bob.call("setupUserTwoFactorAuthentication", provider=provider)
    assert status == 200
    return str(content["setup2fa"]["secretcode"])


def test_without_it_a_login_is_enough(bob: Browser) -> None:
    content = bob.login()
    assert (content["is2faenabled"], content["is2faverified"]) == ("false", "true")
    assert bob.call("listZones")[0] == 200
    assert bob.call("setupUserTwoFactorAuthentication")[0] == 530, "it is not offered"
    assert bob.call("validateUserTwoFactorAuthenticationCode", codefor2fa="1")[0] == 530


def test_who_must_have_it_gets_nowhere_without(bob: Browser) -> None:
    settings(bob, enable="true", mandate="true")
    content = bob.login()
    assert (content["is2faenabled"], content["is2faverified"]) == ("true", "false")
    status, providers = bob.call("listUserTwoFactorAuthenticatorProviders")
    assert (status, providers["count"]) == (200, 2)
    assert bob.call("listZones")[0] == 511
    assert bob.call("listZones")[0] == 401, "the session is over"
    assert bob.cloud.do("listUsers", username="bob", listall=True)[0]["is2famandated"] is True


@pytest.mark.parametrize("provider", ["staticpin", "TOTP"])
def test_set_up_verified_and_asked_for_at_each_login(bob: Browser, provider: str) -> None:
    settings(bob, enable="true")
    bob.login()
    setup(bob, provider)
    assert bob.call("setupUserTwoFactorAuthentication", provider=provider)[0] == 530, "once is enough"
    assert bob.call("validateUserTwoFactorAuthenticationCode")[0] == 531
    assert bob.call("validateUserTwoFactorAuthenticationCode", codefor2fa=bob.right_code()) == (200, {"success": True})
    assert bob.call("listZones")[0] == 200
    content = bob.login()
    assert (content["is2faenabled"], content["providerfor2fa"]) == ("true", provider.lower())
    assert bob.call("validateUserTwoFactorAuthenticationCode", codefor2fa="nonsense")[0] == 511
    assert bob.call("listUserTwoFactorAuthenticatorProviders")[0] == 401, "a wrong code ends the session"
    bob.login()
    assert bob.call("validateUserTwoFactorAuthenticationCode", codefor2fa=bob.right_code())[0] == 200
    assert bob.call("setupUserTwoFactorAuthentication", enable="false")[0] == 200
    assert bob.login()["is2faenabled"] == "false"


def test_a_wrong_code_or_a_new_login_undoes_a_setup(bob: Browser) -> None:
    settings(bob, enable="true", mandate="true")
    bob.login()
    setup(bob, "staticpin")
    assert bob.call("validateUserTwoFactorAuthenticationCode", codefor2fa="nonsense")[0] == 511
    assert bob.call("validateUserTwoFactorAuthenticationCode", codefor2fa="nonsense")[0] == 530, "nothing is set up"
    first = setup(bob, "totp")
    bob.login()
    assert setup(bob, "totp") != first


def test_only_those_above_drop_it_for_others(bob: Browser) -> None:
    settings(bob, enable="true")
    cloud = bob.cloud
    cloud.account("eve")
    cloud.do("setupUserTwoFactorAuthentication", by="bob", provider="staticpin")
    user = cloud.user("bob").id
    assert cloud.refused("setupUserTwoFactorAuthentication", by="eve", enable="false", userid=user).code == 531
    assert cloud.refused("setupUserTwoFactorAuthentication", by="eve", provider="pigeon").code == 530
    assert cloud.refused("validateUserTwoFactorAuthenticationCode", by="bob", codefor2fa="1").code == 405
    cloud.do("setupUserTwoFactorAuthentication", enable="false", userid=user)
    assert cloud.user("bob").key2fa is None
    cloud.do("updateUser", id=user, mandate2fa="true")
    assert cloud.do("listUsers", username="bob", listall=True)[0]["is2faenabled"] is True


def test_codes_are_those_of_rfc_6238() -> None:
    user = User(username="u", password=PasswordHash.of(""), account=Cloud().user().account, provider2fa="totp")
    user.key2fa = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    assert [twofactor.code_of(user, second) for second in (59, 1111111109, 20000000000)] == [
        "287082",
        "081804",
        "353130",
    ]
