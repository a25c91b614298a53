"""People's rights: what somebody asks of their data and of our marketing, what they chose, and who has to know."""
