"""A rendered workflow, read back and checked.

- ``document``: dataclasses of the supported parts of a workflow.
- ``reader``: reads plain values into these dataclasses; refuses unsupported fields.
- ``expressions``: Argo's ``{{...}}`` variables and ``depends`` expressions.
- ``graph``: checks that a workflow can terminate.
- ``references``: checks that all references resolve.
- ``name_checks``: checks names against the rules of Kubernetes and Argo.
"""

__all__ = ["document", "expressions", "graph", "name_checks", "reader", "references"]
