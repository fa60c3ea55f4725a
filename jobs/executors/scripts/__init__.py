"""The parts of SCRIPT: where scripts run, who reads them, how they end."""
