"""A project of joe's, and short ways to its members and to what is refused."""

from __future__ import annotations

from typing import Any

from cloudlab import Cloud, JobFailedError

from pytest_qacloud.rack.cloudstack.errors import ApiError


class ProjectLab:
    """A cloud with the accounts `joe`, `ann` and `bob` and joe's project `p`; `ann` and `bob` are in no project."""

    def __init__(self, cloud: Cloud | None = None) -> None:
        self.cloud = cloud or Cloud()
        for name in ("joe", "ann", "bob"):
            if not self.cloud.do("listAccounts", name=name):
                self.cloud.account(name)
        self.root = str(self.cloud.do("listDomains", name="ROOT")[0]["id"])
        self.project = self.new_project()

    def do(self, command: str, **params: Any) -> Any:
        return self.cloud.do(command, **params)

    def new_project(self, name: str = "p", by: str = "joe", **params: object) -> str:
        return str(self.do("createProject", by=by, name=name, **params)["id"])

    def join(self, account: str, **params: object) -> None:
        self.do("addAccountToProject", by="joe", projectid=self.project, account=account, **params)

    def second_user(self, account: str, name: str) -> str:
        """One more user of an account."""
        made = self.do(
            "createUser", account=account, username=name, password="p", email="e", firstname="F", lastname="L"
        )
        return str(made["id"])

    def join_user(self, username: str, **params: object) -> None:
        self.do("addUserToProject", by="joe", projectid=self.project, username=username, **params)

    def shown(self, project: str | None = None) -> dict[str, Any]:
        (found,) = self.do("listProjects", id=project or self.project, listall=True)
        assert isinstance(found, dict)
        return found

    def roles(self) -> dict[str, str]:
        """What each member is, by the user's name where only a user is one, else by the account's."""
        members = self.do("listProjectAccounts", projectid=self.project)
        return {member.get("username", member["account"]): member["role"] for member in members}

    def listed(self, by: str, **params: object) -> set[str]:
        """Names of the projects that a list shows."""
        return {item["name"] for item in self.do("listProjects", by=by, **params)}

    def require_invitations(self) -> None:
        self.do("updateConfiguration", name="project.invite.required", value=True)

    def refused(self, command: str, *, by: str = "joe", **params: object) -> tuple[int, str]:
        """Code and text of the error that a call meets, at once or as a job."""
        try:
            reply = self.cloud.do(command, by=by, **params)
        except (ApiError, JobFailedError) as error:
            return int(error.code), error.text
        raise AssertionError(f"{command} was not refused: {reply}")
