"""Foundations that every other package uses; imports no other package of ``steps``.

- ``crc32c``: CRC32C checksums of files and streams.
- ``errors``: expected errors, their exit codes, and the translation of operating system errors.
- ``named_paths``: command-line entries of the form ``NAME=PATH``.
- ``options``: declarations of options, and the command lines that follow from them.
- ``quantities``: numbers of bytes with units; the cores and the peak memory at hand.
- ``redaction``: removal of secrets from messages and logs.
- ``runtime``: the process around a step: command line, exit code, signals, log, usage figures, progress.
- ``storage``: files and folders that are written completely or not at all.
- ``textfile``: UTF-8 text files written by people.
- ``texts``: checks for text of one line.
- ``times``: times in RFC 3339.
- ``uris``: addresses of sources and destinations.
"""

__all__ = [
    "crc32c",
    "errors",
    "named_paths",
    "options",
    "quantities",
    "redaction",
    "runtime",
    "storage",
    "textfile",
    "texts",
    "times",
    "uris",
]
