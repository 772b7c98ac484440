"""A run on this machine: rendered, executed, summarised and published."""
