"""A checkout with a small Marvin in `tools/marvin`, laid out as CloudStack's, with the traps of CloudStack's."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

FILES = {
    "__init__": "",
    "codes": "FAILED = 'FAILED'\nSUCCESS = 'SUCCESS'\n",
    "jsonHelper": """
class jsonLoader(object):
    def __init__(self, obj):
        for name in obj:
            value = obj[name]
            if isinstance(value, list):
                value = [jsonLoader(each) if isinstance(each, dict) else each for each in value]
            setattr(self, name, jsonLoader(value) if isinstance(value, dict) else value)

    def __getattr__(self, name):
        return None
""",
    "cloudstackConnection": r"""
import base64, hashlib, hmac, json, re, time
import urllib.error, urllib.parse, urllib.request
from .cloudstackAPI import queryAsyncJobResult
from .cloudstackException import CloudstackAPIException
from .jsonHelper import jsonLoader

SPACES = "\s+"


class CSConnection(object):
    def __init__(self, details, async_timeout, logger):
        self.mgtDetails, self.asyncTimeout, self.logger = details, async_timeout, logger
        self.apiKey, self.securityKey, self.port = details.apiKey, details.securityKey, details.port
        if (details.certCAPath, details.certPath) != ("NA", "NA"):
            raise Exception("a client certificate")
        scheme = "https" if details.useHttps == "True" else "http"
        self.baseUrl = "%s://%s:%d/client/api" % (scheme, details.mgtSvrIp, details.port)

    def __copy__(self):
        return CSConnection(self.mgtDetails, self.asyncTimeout, self.logger)

    def marvinRequest(self, cmd, response_type=None, method="GET"):
        params = {k: str(v) for k, v in vars(cmd).items() if k not in ("isAsync", "required") and v not in (None, [])}
        answer = self.send(type(cmd).__name__[:-3], params)
        if cmd.isAsync == "true":
            return self.poll(answer.jobid)
        if answer.count is not None:
            return next(value for name, value in vars(answer).items() if name != "count")
        return answer

    def poll(self, job):
        cmd = queryAsyncJobResult.queryAsyncJobResultCmd()
        cmd.jobid = job
        for _ in range(self.asyncTimeout):
            answer = self.marvinRequest(cmd)
            if answer.jobstatus == 1:
                return answer.jobresult
            if answer.jobstatus == 2:
                raise Exception("Job failed: %s" % vars(answer.jobresult))
            time.sleep(1)

    def send(self, command, params):
        params = dict(params, command=command, response="json", apiKey=self.apiKey)
        query = "&".join("%s=%s" % (k, urllib.parse.quote(params[k], safe="*")) for k in sorted(params, key=str.lower))
        digest = hmac.new(self.securityKey.encode(), query.lower().encode(), hashlib.sha1).digest()
        params["signature"] = base64.b64encode(digest).decode()
        self.logger.debug("Payload: %s" % params)
        try:
            reply = urllib.request.urlopen(self.baseUrl + "?" + urllib.parse.urlencode(params))
        except urllib.error.HTTPError as error:
            reply = error
        with reply:
            content = jsonLoader(next(iter(json.load(reply).values())))
        if content.errorcode is not None:
            said = "errorCode: %s, errorText:%s" % (content.errorcode, content.errortext)
            raise CloudstackAPIException(command.lower(), said)
        return content
""",
    "cloudstackException": """
class CloudstackAPIException(Exception):
    def __init__(self, cmd="", result=""):
        self.errorMsg = "Execute cmd: %s failed, due to: %s" % (cmd, result)

    def __str__(self):
        return self.errorMsg
""",
    "cloudstackTestClient": """
import copy
from marvin.cloudstackAPI import *
from marvin.cloudstackAPI.cloudstackAPIClient import CloudStackAPIClient
from marvin.cloudstackConnection import CSConnection
from marvin.codes import FAILED, SUCCESS


class DbConnection(object):
    def execute(self, sql=None):
        raise Exception("asked localhost: " + sql)


class CSTestClient(object):
    def __init__(self, mgmt_details, dbsvr_details, async_timeout=3600, logger=None, test_data_filepath=None,
                 zone=None, hypervisor_type=None):
        self.__details, self.__logger, self.__zone = mgmt_details, logger, zone
        self.__db, self.__timeout, self.__hypervisor = dbsvr_details, async_timeout, hypervisor_type
        self.__data = test_data_filepath
        self.identifier = None

    def createTestClient(self):
        if self.__db.dbSvr == "broken":
            return FAILED
        self.__connection = CSConnection(self.__details, self.__timeout, self.__logger)
        self.__client = CloudStackAPIClient(self.__connection)
        if self.__details.apiKey is None:
            self.__details.port = 8080
        return SUCCESS

    def getApiClient(self):
        self.__client.id = self.identifier
        return self.__client

    def getUserApiClient(self, UserName=None, DomainName=None, type=0):
        if UserName is None:
            return FAILED
        self.__details.port = 8080
        self.__details.apiKey, self.__details.securityKey = "key of " + UserName, "secret of " + UserName
        return CloudStackAPIClient(CSConnection(self.__details, self.__timeout, self.__logger))

    def getDbConnection(self):
        return DbConnection()

    def getParsedTestDataConfig(self):
        return {"path": self.__data}

    def getZoneForTests(self):
        return self.__zone

    def getHypervisorInfo(self):
        return self.__hypervisor

    def close(self):
        self.__connection.close()
""",
    "cloudstackTestCase": """
import unittest


class cloudstackTestCase(unittest.case.TestCase):
    clstestclient = None

    @classmethod
    def getClsTestClient(cls):
        return cls.clstestclient
""",
}


def write_checkout(folder: Path) -> Path:
    """The folder of the checkout, written."""
    package = folder / "tools" / "marvin" / "marvin"
    package.mkdir(parents=True)
    for name, text in FILES.items():
        (package / f"{name}.py").write_text(text, encoding="utf-8")
    (package / "lib").mkdir()
    (package / "lib" / "__init__.py").touch()
    return folder
