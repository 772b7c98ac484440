"""The service of ``serve`` on a cluster: its Deployment, and another version for it.

- ``deployment``: the Deployment and its pods, and the client that reads and changes them.
- ``rollout``: changes the version, waits, and goes back.
- ``smoke``: asks for a prediction and judges it.
"""

__all__ = ["deployment", "rollout", "smoke"]
