"""Finds the command that fixes a failed check at Google, by the permission or the resource that the error names."""

from __future__ import annotations

import re
from dataclasses import dataclass

from steps.core.errors import NoInputError, PipelineError

_PERMISSION = re.compile(r"(?:bigquery|storage)\.[a-zA-Z]+\.[a-zA-Z]+")
_TABLE = re.compile(r"on table ([\w.-]+:\w+\.[\w-]+)")
_DISABLED = re.compile(r"API has not been used in project|it is disabled|SERVICE_DISABLED")
# Roles that are granted on the project, by the permission they contain.
_PROJECT_ROLES = {
    "bigquery.jobs.create": "roles/bigquery.jobUser",
    "bigquery.readsessions.create": "roles/bigquery.readSessionUser",
}
_LOCATION = re.compile(r"not found in location (\S+)")


@dataclass
class FixContext:
    """The account and the resources for the commands, as far as the checks have found them.

    Attributes:
        email: address of the service account, empty for a user.
        project: project that is billed.
        owner: project of the table.
        dataset: dataset of the table.
        table: name of the table.
        bucket: name of the bucket.
        writes: whether the bucket is written to.
        table_location: location of the table.
    """

    email: str = ""
    project: str = ""
    owner: str = ""
    dataset: str = ""
    table: str = ""
    bucket: str = ""
    writes: bool = False
    table_location: str = ""

    @property
    def table_name(self) -> str:
        """The full name of the table."""
        return f"{self.owner}.{self.dataset}.{self.table}"

    @property
    def _member(self) -> str:
        return f"serviceAccount:{self.email}" if self.email else '"user:$(gcloud config get account)"'

    def fix_for(self, error: PipelineError) -> str:
        """Return the command that fixes an error, or the fix that the error contains."""
        if _DISABLED.search(error.what):
            api = "bigquerystorage" if "torage" in error.what else "bigquery"
            return f"gcloud services enable {api}.googleapis.com --project={self.project}"
        if permission := _PERMISSION.search(error.what):
            named = _TABLE.search(error.what)
            return self._grant_command(permission[0], named[1] if named else "")
        if isinstance(error, NoInputError):
            return self._creation_command(error)
        return error.fix or ""

    def _grant_command(self, permission: str, named: str) -> str:
        """Return the command that grants a permission.

        Args:
            permission: name of the permission.
            named: table that the error names, empty for none.
        """
        if role := _PROJECT_ROLES.get(permission):
            return f"gcloud projects add-iam-policy-binding {self.project} --member={self._member} --role={role}"
        if permission.startswith("bigquery."):
            table = f"{self.owner}:{self.dataset}.{self.table}" if self.table else named or "PROJECT:DATASET.TABLE"
            binding = f"bq add-iam-policy-binding --member={self._member} --role=roles/bigquery.dataViewer"
            return f"{binding} --table=true {table}"
        role = "roles/storage.objectUser" if self.writes else "roles/storage.objectViewer"
        if permission.startswith("storage.buckets."):
            role = "roles/storage.bucketViewer"
        return f"gcloud storage buckets add-iam-policy-binding gs://{self.bucket} --member={self._member} --role={role}"

    def _creation_command(self, error: NoInputError) -> str:
        """Return the command that creates the missing dataset, table or bucket."""
        if elsewhere := _LOCATION.search(error.what):
            return f"leave --location {elsewhere[1]} out, or use the location of the dataset"
        if error.where and error.where.startswith("bq://") and self.table:
            table = f"python workflows/covertype.py load-bigquery --table {self.table_name}"
            return f"bq ls {self.owner}:{self.dataset} lists the existing tables; {table} loads the bundled table"
        if "bucket" in error.what and "object" not in error.what:
            return f"gcloud storage buckets create gs://{self.bucket}, or correct the name"
        return error.fix or ""
