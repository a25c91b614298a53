"""What is printed, listed or exported, with the category and ground of every field."""
