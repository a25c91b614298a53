"""Cases that belong together or apart: links, splitting, a person who is not the person, what a merge would do."""
