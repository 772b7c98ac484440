"""What a workflow is made of: templates, hardening, the form's parameters, and files that travel in it."""
