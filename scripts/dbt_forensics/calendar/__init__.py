"""Writing the seed forensics_calendar: the public holidays of a country."""
