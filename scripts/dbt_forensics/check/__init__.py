"""Is the configuration right, and what does each stream record?"""
