"""Steps of the pipeline: each module is one container's work, and knows no Argo."""
