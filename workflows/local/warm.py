"""The module that the fork server imports: it imports what steps need, so that forked processes do not have to."""

from __future__ import annotations

import gc
import os

from workflows.local.worker import PRELOAD_VARIABLE, import_for

import_for(filter(None, os.environ.get(PRELOAD_VARIABLE, "").split(",")))
gc.collect()
gc.freeze()  # a collection in a child would write to the memory that it shares with the server, and so copy it
