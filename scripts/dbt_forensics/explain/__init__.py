"""Every value that a metric showed for a window, and why it is not that any more."""
