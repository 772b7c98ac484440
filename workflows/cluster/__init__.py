"""Talks to a cluster: through argo-server, or through the Kubernetes API alone."""
