"""Jobs, as callers follow them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..jobs import Job
from ..registry import command
from ..replies import shape

if TYPE_CHECKING:
    from ..context import Context
    from ..lists import Page
    from ..params import Params


@command("queryAsyncJobResult")
def query_async_job_result(ctx: Context, params: Params) -> dict[str, Any]:
    """One job's state and result."""
    return _shown(params.need("jobid", Job))


def _shown(job: Job) -> dict[str, Any]:
    """A job with the two fields that every reply about one has, and the schema therefore none."""
    return {**shape(job), "jobstatus": job.jobstatus, "jobid": job.id}


@command("listAsyncJobs")
def list_async_jobs(ctx: Context, params: Params) -> Page:
    """The caller's jobs."""
    start = params.get("startdate")
    keyword = params.text("keyword").lower()
    page = ctx.list(
        Job,
        params,
        lambda job: (start is None or job.created >= start) and keyword in job.cmd.lower(),
        ignore=("startdate", "keyword"),
    )
    return page.map(_shown)
