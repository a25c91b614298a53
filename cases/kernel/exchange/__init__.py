"""Whom the firm talks to and what was told: agencies, their terms, letters, corrections and reminders."""
