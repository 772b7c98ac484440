"""Everything that imports a client of Google's services; other packages reach it through ``steps.io``."""
