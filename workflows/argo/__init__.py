"""The parts of a workflow for Argo, made with Hera.

- ``step``: what a step takes and gives.
- ``templates``: container templates of steps.
- ``fused``: the template that runs several steps in one pod.
- ``hardening``: security settings of pods.
- ``envelope``: what every workflow has around its templates.
- ``housekeeping``: how long a run may take, and when its pods are deleted.
- ``form``: parameters of the workflow, which the Argo UI shows as a form.
- ``embedded_files``: local files that become part of the workflow.
- ``revision``: the git revision of the code.
- ``yaml_text``: writes a workflow as YAML.
"""

__all__ = [
    "embedded_files",
    "envelope",
    "form",
    "fused",
    "hardening",
    "housekeeping",
    "revision",
    "step",
    "templates",
    "yaml_text",
]
