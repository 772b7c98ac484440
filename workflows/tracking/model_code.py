"""The code of the model in MLflow: MLflow executes this file when it saves and when it loads the model.

It is stored with the model, beside a copy of the package ``steps``. The pipeline does not import it.
"""

import tempfile
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
from mlflow.pyfunc import PythonModel


class CovertypeModel(PythonModel):  # type: ignore[misc]  # MLflow has no types here
    """The models of all cover types of a run as one model."""

    def load_context(self, context: Any) -> None:  # noqa: ANN401 - MLflow's context
        """Read the bundles among the artifacts of the model, after comparing their checksums."""
        from steps.prediction.models import read_ensemble

        # The prepared forest is written beside the bundles, and must not get into MLflow's artifacts.
        with tempfile.TemporaryDirectory(prefix="covertype-mlflow-") as temporary:
            for path in Path(context.artifacts["models"]).iterdir():
                (Path(temporary) / path.name).symlink_to(path.resolve())
            self._ensemble = read_ensemble(Path(temporary))

    def predict(
        self,
        context: object,  # noqa: ARG002 - MLflow's interface
        model_input: pd.DataFrame,
        params: dict[str, Any] | None = None,
    ) -> pd.DataFrame:
        """Return scores, cover type and calibrated probability of each row, see ``steps.prediction.frames``."""
        from steps.prediction.frames import score_frame

        return score_frame(self._ensemble, model_input, int((params or {}).get("max_rejects", 0)))


mlflow.models.set_model(CovertypeModel())
