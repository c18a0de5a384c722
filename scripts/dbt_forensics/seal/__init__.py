"""The heads of the chains of seals: kept elsewhere, and compared with what is on record."""
