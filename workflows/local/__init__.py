"""Executes a rendered workflow on this machine: the subset of Argo that the pipeline uses, and refuses the rest."""
