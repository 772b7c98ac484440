"""The verb ``doctor``, and its checks at Google.

- ``doctor_verb``: the verb.
- ``google_checks``: checks of credentials, permissions and locations at Google.
- ``google_fixes``: commands that fix failed checks.
"""

__all__ = ["doctor_verb", "google_checks", "google_fixes"]
