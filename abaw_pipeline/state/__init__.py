"""What is there, against what the settings ask for: losses, reasons, what would run."""
