"""Measurements. They are a package because the local executor only runs modules of packages."""
