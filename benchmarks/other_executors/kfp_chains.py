"""Seven chains of five empty steps with kfp.local: ``python kfp_chains.py FOLDER [bare]``.

It uses ``dsl.ParallelFor`` over the chains. kfp.local runs the iterations in two threads, which is its limit, and each
step as a process without a virtual environment of its own. By default a component first runs pip to check that kfp is
installed; ``bare`` skips that. The cache of kfp.local is off, as it is by default.
"""
# mypy: disable-error-code="untyped-decorator"

import logging
import sys
import warnings

from kfp import dsl, local  # type: ignore[import-not-found]

CHAINS, LENGTH = 7, 5
WITH_PIP = "bare" not in sys.argv


@dsl.component(install_kfp_package=WITH_PIP)
def first(text: dsl.Output[dsl.Artifact]) -> None:
    """Write one character."""
    with open(text.path, "w") as file:  # noqa: PTH123 - kfp runs only the source of the function
        file.write(".")


@dsl.component(install_kfp_package=WITH_PIP)
def later(before: dsl.Input[dsl.Artifact], text: dsl.Output[dsl.Artifact]) -> None:
    """Write the text that was read and one more character."""
    with open(before.path) as file:  # noqa: PTH123
        found = file.read()
    with open(text.path, "w") as file:  # noqa: PTH123
        file.write(found + ".")


@dsl.pipeline(name="empty")
def pipeline() -> None:
    """Run the chains side by side."""
    with dsl.ParallelFor(items=list(range(CHAINS)), parallelism=2):
        task = first()
        for _ in range(LENGTH - 1):
            task = later(before=task.outputs["text"])


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    logging.disable(logging.INFO)
    local.init(runner=local.SubprocessRunner(use_venv=False), pipeline_root=sys.argv[1])
    pipeline()
