"""One fast predictor over the models of a run, equal to XGBoost bit for bit.

- ``boosters``: score rows with XGBoost itself.
- ``check_rows``: rows on which the forest and XGBoost are compared.
- ``ir``: the kernels as LLVM's intermediate representation.
- ``kernels``: compile the kernels and call them.
- ``packing``: trees as machine words, rows as small integers.
- ``predictor``: open the predictor of a run's models.
- ``prepared``: the file of a prepared forest.
- ``quantise_ir``: the kernel that quantises rows.
- ``scoring``: score rows with the forest.
- ``trees``: read and check the trees of model files.
- ``ubjson``: read the format of XGBoost's model files.
- ``walk_ir``: the kernel that walks from the roots of trees to their leaves.
"""

from steps.forest.predictor import Predictor, open_predictor

__all__ = ["Predictor", "open_predictor"]
