"""What every step shares: errors with exit codes, the process around a step, whole files, addresses, texts."""
