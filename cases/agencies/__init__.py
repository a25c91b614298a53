"""The port to the agencies: what we send them, what they tell us. Knows no family and no page."""
