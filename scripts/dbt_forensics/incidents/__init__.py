"""Looking at incidents, and taking them on."""
