"""What pages show of cases and people, in few queries. Nothing here writes."""
