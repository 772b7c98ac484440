"""Published files and the registry of models: manifests, versions, aliases and the champion gate."""
