"""What the search for paths has to know of students."""
