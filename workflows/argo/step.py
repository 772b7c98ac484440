"""What a step takes and gives: its artifacts and parameters, under the names of its command line."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from workflows.settings import Resources


@dataclass(frozen=True)
class Slot:
    """An input or output artifact of a step.

    Attributes:
        name: name of the artifact.
        file: name of its file or folder.
        option: option of the step that receives its path, if its name is not that of the artifact.
        key: text before the path, as in ``--metrics aspen=PATH``.
        optional: whether it may be absent.
        raw: content that is part of the template.
        stored: place of an input in the artifact repository, as Argo writes it, such as ``{"s3": {"key": "a"}}``.
        drawn: whether the graph of the Argo UI shows it, if it is an output.
        cover_type: cover type of an output, in a pod that works on several.
    """

    name: str
    file: str
    option: str = ""
    key: str = ""
    optional: bool = False
    raw: str | None = None
    stored: Mapping[str, Mapping[str, str]] | None = None
    drawn: bool = False
    cover_type: str = ""

    @property
    def output_file(self) -> str:
        """Name of the file or folder of an output.

        Argo stores the outputs of a pod under their file names, so these must differ. The Argo UI draws every artifact
        whose file name contains a dot, so only those that a person opens have one.
        """
        return self.file if self.drawn else self.name

    def argument(self, kind: str) -> str:
        """Return the argument that passes the path to the step; ``kind`` is inputs or outputs."""
        key = f"{self.key}=" if self.key else ""
        return f"--{self.option or self.name}={key}{{{{{kind}.artifacts.{self.name}.path}}}}"


@dataclass(frozen=True)
class Step:
    """The inputs and outputs of a step, under the names of its command line.

    Attributes:
        name: name of the step; its module is ``steps.NAME``.
        inputs: input artifacts.
        outputs: output artifacts.
        parameters: values of the parameters by name; the task must set those with None.
        fixed: arguments that are the same in every run of the rendered workflow.
        source_parameters: parameters that hold the address of a source.
        values: output parameters, small values that the Argo UI shows. Each is an option of the same name.
        publishes: whether the step changes something outside the run.
        continues: outputs that resume those of an earlier attempt.
        continues_despite: parameters that may differ from that attempt's.
        on_gpu: parameters with other values in a pod that has a GPU.
    """

    name: str
    inputs: Sequence[Slot] = ()
    outputs: Sequence[Slot] = ()
    parameters: Mapping[str, str | None] = field(default_factory=dict)
    fixed: Sequence[str] = ()
    source_parameters: Sequence[str] = ()
    values: Sequence[str] = ()
    publishes: bool = False
    continues: Sequence[str] = ()
    continues_despite: Sequence[str] = ()
    on_gpu: Mapping[str, str] = field(default_factory=dict)

    def effective_parameters(self, resources: Resources, overrides: Mapping[str, str]) -> dict[str, str | None]:
        """Return the parameters with the values for a pod with these resources, and with the user's overrides."""
        return {**self.parameters, **(self.on_gpu if resources.gpu else {}), **overrides}
