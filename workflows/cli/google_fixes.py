"""The commands that mend what is missing at Google, by the permission or the thing that an error names."""

from __future__ import annotations

import re
from dataclasses import dataclass

from steps.core.errors import NoInputError, PipelineError

_PERMISSION = re.compile(r"(?:bigquery|storage)\.[a-zA-Z]+\.[a-zA-Z]+")
_TABLE = re.compile(r"on table ([\w.-]+:\w+\.[\w-]+)")
_DISABLED = re.compile(r"API has not been used in project|it is disabled|SERVICE_DISABLED")
_ON_PROJECT = {
    "bigquery.jobs.create": "roles/bigquery.jobUser",
    "bigquery.readsessions.create": "roles/bigquery.readSessionUser",
}
_LOCATION = re.compile(r"not found in location (\S+)")


@dataclass
class Mending:
    """What commands are filled in with, as far as it is known: whose rights, and on what.

    ``project`` is billed, ``owner`` has the table, ``table_lies`` is its location; ``writes`` tells whether the bucket
    is written to.
    """

    email: str = ""
    project: str = ""
    owner: str = ""
    dataset: str = ""
    table: str = ""
    bucket: str = ""
    writes: bool = False
    table_lies: str = ""

    @property
    def name(self) -> str:
        """The table's name."""
        return f"{self.owner}.{self.dataset}.{self.table}"

    @property
    def _member(self) -> str:
        return f"serviceAccount:{self.email}" if self.email else '"user:$(gcloud config get account)"'

    def of(self, error: PipelineError) -> str:
        """Return the command that mends an error, or what the error itself says to do."""
        if _DISABLED.search(error.what):
            api = "bigquerystorage" if "torage" in error.what else "bigquery"
            return f"gcloud services enable {api}.googleapis.com --project={self.project}"
        if permission := _PERMISSION.search(error.what):
            named = _TABLE.search(error.what)
            return self._grant(permission[0], named[1] if named else "")
        if isinstance(error, NoInputError):
            return self._make(error)
        return error.fix or ""

    def _grant(self, permission: str, named: str) -> str:
        """Return the command that grants a permission, on the table that an error has ``named`` if it is about one."""
        if role := _ON_PROJECT.get(permission):
            return f"gcloud projects add-iam-policy-binding {self.project} --member={self._member} --role={role}"
        if permission.startswith("bigquery."):
            table = f"{self.owner}:{self.dataset}.{self.table}" if self.table else named or "PROJECT:DATASET.TABLE"
            binding = f"bq add-iam-policy-binding --member={self._member} --role=roles/bigquery.dataViewer"
            return f"{binding} --table=true {table}"
        role = "roles/storage.objectUser" if self.writes else "roles/storage.objectViewer"
        if permission.startswith("storage.buckets."):
            role = "roles/storage.bucketViewer"
        return f"gcloud storage buckets add-iam-policy-binding gs://{self.bucket} --member={self._member} --role={role}"

    def _make(self, error: NoInputError) -> str:
        if elsewhere := _LOCATION.search(error.what):
            return f"leave --location {elsewhere[1]} out, or say where the dataset lies"
        if error.where and error.where.startswith("bq://") and self.table:
            table = f"python workflows/covertype.py load-bigquery --table {self.name}"
            return f"bq ls {self.owner}:{self.dataset} shows what is there; {table} puts the bundled table there"
        if "bucket" in error.what and "object" not in error.what:
            return f"gcloud storage buckets create gs://{self.bucket}, or correct the name"
        return error.fix or ""
