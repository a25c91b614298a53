"""A person contests a decision: somebody who had no part in it looks at it afresh."""
