"""What the server does with sockets, beyond uvicorn.

- ``connections``: clients that are slow, idle or too many.
- ``writes``: head and body of an answer in one write.
"""

__all__ = ["connections", "writes"]
