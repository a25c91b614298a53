"""Complaints about how we use personal data: acknowledged within 30 days, looked into, answered."""
