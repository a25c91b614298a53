"""The pages of somebody's own work: the queue and its views, tasks, decisions that wait, search, what they prefer."""
