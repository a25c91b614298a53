"""What one person has before them: tasks, what they typed and did not send, their views, the mail of the morning."""
