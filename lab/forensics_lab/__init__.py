"""The lab: histories with failures of which it keeps an exact list, and how well the package sees them."""
