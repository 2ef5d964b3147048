"""What CloudStack remembers: events, and asynchronous jobs with their results."""

import uuid
from typing import Any, ClassVar

from marvin.cloudstackTestCase import cloudstackTestCase
from marvin.codes import JOB_FAILED, JOB_INPROGRESS, JOB_SUCCEEDED
from nose.plugins.attrib import attr

from pytest_qacloud.marvin.suite import WRONG_USE, Resources, unique


class TestEventsAndJobs(Resources, cloudstackTestCase):
    disks: ClassVar[Any]

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.share_account()
        cls.disks = cls.share("createDiskOffering", name=unique("disk"), displaytext="1 GiB", disksize=1)

    def new_volume(self) -> Any:
        return self.create("createVolume", **self.volume(self.disks.id))

    def finished(self, jobid: str) -> Any:
        result = self.call("queryAsyncJobResult", jobid=jobid)
        return None if result.jobstatus == JOB_INPROGRESS else result

    def events(self, **params: Any) -> list[Any]:
        return self.every("listEvents", listall=True, **self.owner(), **params)

    @attr(tags=["advanced", "basic", "smoke"], required_hardware="false")
    def test_what_an_account_does_is_an_event_of_its_own(self) -> None:
        self.new_volume()
        created = self.events(type="VOLUME.CREATE")
        self.assertIn("Completed", {event.state for event in created})
        for event in created:
            self.assertEqual((event.type, event.account, event.level), ("VOLUME.CREATE", self.account.name, "INFO"))

    @attr(tags=["advanced", "basic", "smoke"], required_hardware="false")
    def test_archived_and_deleted_events_are_listed_no_more(self) -> None:
        for command in ("archiveEvents", "deleteEvents"):
            with self.subTest(command):
                self.new_volume()
                event = self.events(type="VOLUME.CREATE")[0]
                self.call(command, ids=[event.id])
                self.assertNotIn(event.id, {event.id for event in self.events(type="VOLUME.CREATE")})

    @attr(tags=["advanced", "basic", "smoke"], required_hardware="false")
    def test_a_job_tells_what_it_made(self) -> None:
        begun = self.begin("createVolume", **self.volume(self.disks.id))
        self.addCleanup(self.call, "destroyVolume", id=begun.id, expunge=True)
        result = self.wait_until(lambda: self.finished(begun.jobid), f"end of job {begun.jobid}")
        self.assertEqual((result.jobstatus, result.jobresult.volume.id), (JOB_SUCCEEDED, begun.id))
        self.assertEqual(self.one("listVolumes", id=begun.id).state, "Allocated")

    @attr(tags=["advanced", "basic", "smoke"], required_hardware="false")
    def test_a_failed_job_tells_why(self) -> None:
        begun = self.begin("deleteDomain", id=self.domain.id, cleanup=False)  # it has an account
        result = self.wait_until(lambda: self.finished(begun.jobid), f"end of job {begun.jobid}")
        self.assertEqual(result.jobstatus, JOB_FAILED)
        self.assertIn(result.jobresult.errorcode, WRONG_USE)
        self.assertTrue(result.jobresult.errortext)

    @attr(tags=["advanced", "basic", "smoke"], required_hardware="false")
    def test_jobs_are_listed_with_what_they_are_about(self) -> None:
        volume = self.new_volume()
        jobs = self.every("listAsyncJobs", listall=True, keyword="CreateVolume")
        (job,) = [job for job in jobs if job.jobinstanceid == volume.id]
        self.assertEqual(job.jobstatus, JOB_SUCCEEDED)

    @attr(tags=["advanced", "basic", "smoke"], required_hardware="false")
    def test_an_unknown_job_is_refused(self) -> None:
        with self.refused(431):
            self.call("queryAsyncJobResult", jobid=str(uuid.uuid4()))
