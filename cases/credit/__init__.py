"""Credit, identity and fraud checks, and the decisions that come of them."""
