"""The options of the steps, each declared once: name, type, default, limits, help, and where it can be given.

One module for each step, with a dataclass of its options and the values they can have; ``shared`` holds the options
of several steps. To add an option, add a field to the dataclass and use it in the step: flags, settings, form,
``--set``, configuration schema and reference follow. The package imports no library for data or models, as the
workflow side reads it too.
"""

from steps import PREDICT
from steps.core.options import Declared, Scope, declared
from steps.options.evaluate import EvaluateOptions
from steps.options.predict import PredictOptions, RegistryOptions
from steps.options.prepare import PrepareOptions
from steps.options.preprocess import PreprocessOptions
from steps.options.register import RegisterOptions
from steps.options.split import SplitOptions
from steps.options.train import Hyperparameters, TrainOptions
from steps.options.tune import TuneOptions

# The dataclasses of each step's options, in the order of the pipeline.
STEP_OPTIONS: dict[str, tuple[type, ...]] = {
    "prepare": (PrepareOptions,),
    "split": (SplitOptions,),
    "preprocess": (PreprocessOptions,),
    "tune": (TuneOptions,),
    "train": (TrainOptions, Hyperparameters),
    "evaluate": (EvaluateOptions,),
    "register": (RegisterOptions,),
}
# Those of the step that is no part of the pipeline.
_OTHER_OPTIONS: dict[str, tuple[type, ...]] = {PREDICT: (RegistryOptions, PredictOptions)}

__all__ = ["STEP_OPTIONS", "Declared", "Scope", "form_options", "options_of"]


def options_of(step: str, scope: Scope | None = None) -> tuple[Declared, ...]:
    """Return the options of a step in their order, of one scope or of all."""
    found = (option for options in (STEP_OPTIONS | _OTHER_OPTIONS).get(step, ()) for option in declared(options))
    return tuple(option for option in found if scope in {None, option.option.scope})


def form_options() -> tuple[Declared, ...]:
    """Return the options that are parameters of the pipeline, each once, by group, then by step."""
    found = {option.name: option for step in STEP_OPTIONS for option in options_of(step, Scope.FORM)}
    return tuple(sorted(found.values(), key=lambda option: option.option.group))
