from __future__ import annotations

import pytest

from steps.core.errors import DeniedError, NoInputError, PipelineError, UnavailableError
from workflows.cli.doctor.google_fixes import FixContext

MEMBER = "--member=serviceAccount:me@p.iam"
GRANT_BUCKET = f"gcloud storage buckets add-iam-policy-binding gs://bucket {MEMBER}"
LOAD = "python workflows/covertype.py load-bigquery --table owner.data.cover"
KNOWN = FixContext("me@p.iam", "billed", "owner", "data", "cover", "bucket")


@pytest.mark.parametrize(
    ("error", "fix"),
    [
        (
            DeniedError("missing: bigquery.jobs.create"),
            f"gcloud projects add-iam-policy-binding billed {MEMBER} --role=roles/bigquery.jobUser",
        ),
        (
            DeniedError("missing: bigquery.tables.getData"),
            f"bq add-iam-policy-binding {MEMBER} --role=roles/bigquery.dataViewer --table=true owner:data.cover",
        ),
        (
            DeniedError("missing: storage.objects.get"),
            f"{GRANT_BUCKET} --role=roles/storage.objectViewer",
        ),
        (
            DeniedError("missing: storage.buckets.get"),
            f"{GRANT_BUCKET} --role=roles/storage.bucketViewer",
        ),
        (DeniedError("it is disabled"), "gcloud services enable bigquery.googleapis.com --project=billed"),
        (
            DeniedError("BigQuery Storage API: it is disabled"),
            "gcloud services enable bigquerystorage.googleapis.com --project=billed",
        ),
        (
            NoInputError("Dataset owner:data was not found in location EU"),
            "leave --location EU out, or use the location of the dataset",
        ),
        (NoInputError("no such bucket"), "gcloud storage buckets create gs://bucket, or correct the name"),
        (
            NoInputError("Not found: Table", where="bq://owner.data.cover"),
            f"bq ls owner:data lists the existing tables; {LOAD} loads the bundled table",
        ),
        (UnavailableError("no answer", fix="try again"), "try again"),
        (PipelineError("something else"), ""),
    ],
)
def test_each_error_has_the_command_that_fixes_it(error: PipelineError, fix: str) -> None:
    assert KNOWN.fix_for(error) == fix


def test_a_bucket_that_is_written_to_needs_another_role() -> None:
    fix = FixContext(bucket="bucket", writes=True).fix_for(DeniedError("missing: storage.objects.create"))
    assert fix.endswith("--role=roles/storage.objectUser")


def test_a_user_is_named_by_their_own_command_line_tool() -> None:
    fix = FixContext(project="p").fix_for(DeniedError("missing: bigquery.jobs.create"))
    assert '--member="user:$(gcloud config get account)"' in fix


def test_a_table_that_only_the_error_names() -> None:
    what = "Permission bigquery.tables.getData denied on table p2:e.f (or it may not exist)"
    assert FixContext().fix_for(DeniedError(what)).endswith("--table=true p2:e.f")
