"""Points: starts and searches, what a critical point is, and how sure the list is."""
